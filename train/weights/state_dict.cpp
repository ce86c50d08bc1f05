#include "train/weights/state_dict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>

#include "core/errors.h"
#include "core/files.h"
#include "train/weights/pth.h"
#include "train/weights/zip_archive.h"

namespace genu::train {

namespace {

constexpr std::array<std::pair<ElementType, torch::ScalarType>, 10> kTypePairs = {
    {{ElementType::kF64, torch::kFloat64},
     {ElementType::kF32, torch::kFloat32},
     {ElementType::kF16, torch::kFloat16},
     {ElementType::kBf16, torch::kBFloat16},
     {ElementType::kI64, torch::kInt64},
     {ElementType::kI32, torch::kInt32},
     {ElementType::kI16, torch::kInt16},
     {ElementType::kI8, torch::kInt8},
     {ElementType::kU8, torch::kUInt8},
     {ElementType::kBool, torch::kBool}}};

torch::ScalarType scalar_type(ElementType type) {
  for (const auto& [ours, theirs] : kTypePairs) {
    if (ours == type) return theirs;
  }
  throw InternalError("element type without a tensor type");
}

ElementType element_type(torch::ScalarType type) {
  for (const auto& [ours, theirs] : kTypePairs) {
    if (theirs == type) return ours;
  }
  throw InternalError(fmt::format("a tensor of type {} cannot be stored", c10::toString(type)));
}

std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 4;
  const std::vector<std::string> shown(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > kShown ? ", ..." : "");
}

bool is_head(const std::string& name, const LoadOptions& options) {
  return options.head == HeadPolicy::kSwap && !options.head_prefix.empty() && name.starts_with(options.head_prefix);
}

bool is_batch_counter(const std::string& name) { return name.ends_with("num_batches_tracked"); }

// Whether `stored` [o, 3, h, w] can serve `wanted` [o, 1, h, w].
bool can_fold(const torch::Tensor& stored, const torch::Tensor& wanted, const LoadOptions& options) {
  return options.channels == ChannelPolicy::kFold && stored.dim() == 4 && wanted.dim() == 4 && stored.size(1) == 3 &&
         wanted.size(1) == 1 && stored.size(0) == wanted.size(0) && stored.size(2) == wanted.size(2) &&
         stored.size(3) == wanted.size(3);
}

}  // namespace

StateDict state_dict(const torch::nn::Module& module) {
  StateDict tensors;
  for (const auto& item : module.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) tensors[item.key()] = item.value();
  return tensors;
}

torch::Tensor to_tensor(const TensorView& view) {
  torch::Tensor tensor = torch::empty(view.shape, torch::dtype(scalar_type(view.type)));
  if (!view.bytes.empty()) std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
  return tensor;
}

StateDict to_state_dict(const Safetensors& file) {
  StateDict tensors;
  for (const auto& [name, view] : file.tensors()) tensors[name] = to_tensor(view);
  return tensors;
}

StateDict read_weights(const std::filesystem::path& path) {
  std::vector<std::uint8_t> bytes = read_file(path);
  if (looks_like_zip(bytes)) return parse_pth(std::move(bytes), path.string());
  if (looks_like_legacy_pth(bytes)) {
    throw DataError(path.string() +
                    ": a .pth from before PyTorch 1.6; load it in Python and torch.save it again with a newer one");
  }
  return to_state_dict(Safetensors::parse(std::move(bytes), path.string()));
}

void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata) {
  StateDict kept_alive;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor stored = tensor.detach().cpu().contiguous();
    kept_alive[name] = stored;
    views[name] = {element_type(stored.scalar_type()), stored.sizes().vec(),
                   std::span(static_cast<const std::byte*>(stored.data_ptr()), stored.nbytes())};
  }
  const std::vector<std::uint8_t> bytes = encode_safetensors(views, metadata);
  write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

std::string LoadReport::text() const {
  std::string out = fmt::format("{} tensors match", loaded);
  for (const WrongShape& wrong : wrong_shape) {
    out += fmt::format("; {} has shape [{}], the model needs [{}]", wrong.name, fmt::join(wrong.in_file, ", "),
                       fmt::join(wrong.in_model, ", "));
  }
  if (!missing.empty()) out += fmt::format("; {} missing: {}", missing.size(), first_names(missing));
  if (!unexpected.empty()) out += fmt::format("; {} unexpected: {}", unexpected.size(), first_names(unexpected));
  if (!folded.empty()) out += fmt::format("; folded from three channels to one: {}", first_names(folded));
  if (!left_fresh.empty()) out += fmt::format("; left fresh: {}", first_names(left_fresh));
  return out;
}

LoadReport load_state(torch::nn::Module& module, const StateDict& tensors, const LoadOptions& options) {
  LoadReport report;
  const StateDict own = state_dict(module);
  for (const auto& [name, target] : own) {
    const auto found = tensors.find(name);
    const bool same_shape = found != tensors.end() && found->second.sizes() == target.sizes();
    if (same_shape) {
      ++report.loaded;
    } else if (found != tensors.end() && can_fold(found->second, target, options)) {
      ++report.loaded;
      report.folded.push_back(name);
    } else if (found == tensors.end() && is_batch_counter(name)) {
      continue;
    } else if (is_head(name, options)) {
      report.left_fresh.push_back(name);
    } else if (found == tensors.end()) {
      report.missing.push_back(name);
    } else {
      report.wrong_shape.push_back({name, found->second.sizes().vec(), target.sizes().vec()});
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (!own.contains(name) && !is_head(name, options)) report.unexpected.push_back(name);
  }
  if (!report.matches()) return report;
  const torch::NoGradGuard no_grad;
  for (const auto& [name, target] : own) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) continue;
    if (found->second.sizes() == target.sizes()) {
      torch::Tensor(target).copy_(found->second);
    } else if (can_fold(found->second, target, options)) {
      torch::Tensor(target).copy_(found->second.to(torch::kFloat32).sum(1, /*keepdim=*/true));
    }
  }
  return report;
}

LoadReport load_state_or_throw(torch::nn::Module& module, const StateDict& tensors, const LoadOptions& options,
                               const std::string& file) {
  const LoadReport report = load_state(module, tensors, options);
  if (!report.matches()) throw DataError(fmt::format("{}: weights do not fit the model: {}", file, report.text()));
  return report;
}

}  // namespace genu::train
