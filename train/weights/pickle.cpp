#include "train/weights/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <string_view>

#include "core/errors.h"

namespace genu::train {

namespace {

using Kind = PickleValue::Kind;

// What a weights file may name, and nothing else.
constexpr std::array<std::string_view, 5> kCallable = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
                                                       "torch._utils._rebuild_parameter",
                                                       "torch.nn.parameter.Parameter", "torch.Size"};
constexpr std::array<std::string_view, 10> kStorages = {
    "torch.DoubleStorage", "torch.FloatStorage", "torch.HalfStorage", "torch.BFloat16Storage", "torch.LongStorage",
    "torch.IntStorage",    "torch.ShortStorage", "torch.CharStorage", "torch.ByteStorage",     "torch.BoolStorage"};

template <std::size_t kCount>
bool among(const std::array<std::string_view, kCount>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

class Unpickler {
 public:
  Unpickler(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Pickle run() {
    while (!done_) step();
    pickle_.top = pop();
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void fail(const std::string& fault) const { throw DataError(fmt::format("{}: {}", name_, fault)); }
  [[noreturn]] void damaged() const { fail("damaged pickle"); }

  // ---- bytes ----
  std::span<const std::byte> take(std::size_t count) {
    if (count > bytes_.size() - at_) damaged();
    const auto part = bytes_.subspan(at_, count);
    at_ += count;
    return part;
  }
  std::uint64_t number(std::size_t width) {
    const auto part = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(part[i]);
    return value;
  }
  std::string text(std::size_t count) {
    const auto part = take(count);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  std::string line() {
    std::string out;
    for (;;) {
      const char c = static_cast<char>(number(1));
      if (c == '\n') return out;
      out += c;
    }
  }
  std::int64_t long_integer(std::size_t width) {
    if (width > 8) fail("an integer of more than 64 bits in the pickle");
    const std::uint64_t raw = number(width);
    const unsigned shift = static_cast<unsigned>(64 - 8 * width);
    return width == 0 ? 0 : static_cast<std::int64_t>(raw << shift) >> shift;
  }

  // ---- values ----
  PicklePointer make(Kind kind) {
    pickle_.values.push_back({});
    pickle_.values.back().kind = kind;
    return &pickle_.values.back();
  }
  PicklePointer make_integer(std::int64_t integer, Kind kind = Kind::kInteger) {
    const PicklePointer value = make(kind);
    value->integer = integer;
    return value;
  }
  PicklePointer make_text(std::string text, Kind kind = Kind::kText) {
    const PicklePointer value = make(kind);
    value->text = std::move(text);
    return value;
  }

  // ---- stack ----
  void push(PicklePointer value) { stack_.push_back(value); }
  PicklePointer pop() {
    if (stack_.empty()) damaged();
    const PicklePointer value = stack_.back();
    stack_.pop_back();
    return value;
  }
  PicklePointer top() {
    if (stack_.empty()) damaged();
    return stack_.back();
  }
  std::vector<PicklePointer> pop_to_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) damaged();
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    marks_.pop_back();
    std::vector<PicklePointer> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    return values;
  }
  void push_tuple(std::vector<PicklePointer> items) {
    const PicklePointer tuple = make(Kind::kTuple);
    tuple->items = std::move(items);
    push(tuple);
  }
  void push_last_as_tuple(std::size_t count) {
    std::vector<PicklePointer> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    push_tuple(std::move(items));
  }
  void append(const std::vector<PicklePointer>& items) {
    if (top()->kind != Kind::kList) damaged();
    top()->items.insert(top()->items.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<PicklePointer>& items) {
    if (top()->kind != Kind::kDict || items.size() % 2 != 0) damaged();
    for (std::size_t i = 0; i < items.size(); i += 2) top()->entries.emplace_back(items[i], items[i + 1]);
  }
  void remember(std::uint64_t index) { memo_[index] = top(); }
  void recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) damaged();
    push(found->second);
  }

  // ---- objects ----
  void push_name(const std::string& module, const std::string& name) {
    const std::string full = module + "." + name;
    if (!among(kCallable, full) && !among(kStorages, full)) {
      fail(
          fmt::format("the pickle asks for {}, which weights do not need, and genu executes nothing; save the "
                      "model's state_dict() alone",
                      full));
    }
    push(make_text(full, Kind::kName));
  }
  PicklePointer argument(const PickleValue& arguments, std::size_t i, Kind kind) const {
    if (i >= arguments.items.size() || arguments.items[i]->kind != kind) damaged();
    return arguments.items[i];
  }
  std::vector<std::int64_t> integers(const PickleValue& tuple) const {
    std::vector<std::int64_t> out;
    for (const auto& item : tuple.items) {
      if (item->kind != Kind::kInteger) damaged();
      out.push_back(item->integer);
    }
    return out;
  }
  void call() {
    const PicklePointer arguments = pop();
    const PicklePointer callable = pop();
    if (callable->kind != Kind::kName || arguments->kind != Kind::kTuple) damaged();
    if (callable->text == "collections.OrderedDict") {
      if (!arguments->items.empty()) fail("an OrderedDict made in a way that torch.save does not use");
      push(make(Kind::kDict));
    } else if (callable->text == "torch._utils._rebuild_tensor_v2") {
      const PicklePointer tensor = make(Kind::kTensor);
      tensor->tensor = argument(*arguments, 0, Kind::kStorage)->tensor;
      tensor->tensor.offset = argument(*arguments, 1, Kind::kInteger)->integer;
      tensor->tensor.shape = integers(*argument(*arguments, 2, Kind::kTuple));
      tensor->tensor.strides = integers(*argument(*arguments, 3, Kind::kTuple));
      push(tensor);
    } else if (callable->text == "torch._utils._rebuild_parameter" ||
               callable->text == "torch.nn.parameter.Parameter") {
      push(argument(*arguments, 0, Kind::kTensor));
    } else if (callable->text == "torch.Size") {
      push(argument(*arguments, 0, Kind::kTuple));
    } else {
      fail(callable->text + " is called in the pickle");
    }
  }
  // ('storage', torch.FloatStorage, key, device, element count)
  void push_storage() {
    const PicklePointer id = pop();
    if (id->kind != Kind::kTuple || id->items.empty() || id->items[0]->kind != Kind::kText ||
        id->items[0]->text != "storage") {
      fail("the pickle refers to something that is not a storage");
    }
    const std::string& type = argument(*id, 1, Kind::kName)->text;
    if (!among(kStorages, type)) fail(type + " is not a storage of numbers");
    const PicklePointer storage = make(Kind::kStorage);
    storage->tensor.storage_type = type.substr(std::string_view("torch.").size());
    storage->tensor.storage_key = argument(*id, 2, Kind::kText)->text;
    push(storage);
  }
  // The state of an OrderedDict is its attribute _metadata: versions of modules, which weights do not need.
  void build() {
    pop();
    if (top()->kind != Kind::kDict) fail("an object with a state of its own in the pickle");
  }

  void step();
  bool step_constant(std::uint8_t opcode);
  bool step_container(std::uint8_t opcode);
  bool step_object(std::uint8_t opcode);

  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
  bool done_ = false;
  Pickle pickle_;
  std::vector<PicklePointer> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint64_t, PicklePointer> memo_;
};

bool Unpickler::step_constant(std::uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push(make(Kind::kNone));
      return true;
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      push(make_integer(opcode == 0x88, Kind::kBool));
      return true;
    case 'J':  // BININT
      push(make_integer(static_cast<std::int32_t>(number(4))));
      return true;
    case 'K':  // BININT1
      push(make_integer(static_cast<std::int64_t>(number(1))));
      return true;
    case 'M':  // BININT2
      push(make_integer(static_cast<std::int64_t>(number(2))));
      return true;
    case 0x8a:  // LONG1
      push(make_integer(long_integer(number(1))));
      return true;
    case 'G': {  // BINFLOAT, big-endian
      std::uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits = bits << 8 | number(1);
      push(make(Kind::kReal));
      top()->real = std::bit_cast<double>(bits);
      return true;
    }
    case 'X':  // BINUNICODE
      push(make_text(text(number(4))));
      return true;
    case 0x8c:  // SHORT_BINUNICODE
      push(make_text(text(number(1))));
      return true;
    case 0x8d:  // BINUNICODE8
      push(make_text(text(number(8))));
      return true;
    case 'U':  // SHORT_BINSTRING
      push(make_text(text(number(1))));
      return true;
    default:
      return false;
  }
}

bool Unpickler::step_container(std::uint8_t opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case ')':
      push_tuple({});
      return true;
    case 't':
      push_tuple(pop_to_mark());
      return true;
    case 0x85:  // TUPLE1
    case 0x86:
    case 0x87:
      push_last_as_tuple(static_cast<std::size_t>(opcode - 0x84));
      return true;
    case ']':
      push(make(Kind::kList));
      return true;
    case 'a': {
      const PicklePointer item = pop();
      append({item});
      return true;
    }
    case 'e': {
      const auto items = pop_to_mark();
      append(items);
      return true;
    }
    case '}':
      push(make(Kind::kDict));
      return true;
    case 's': {
      const PicklePointer value = pop();
      const PicklePointer key = pop();
      set_items({key, value});
      return true;
    }
    case 'u': {
      const auto items = pop_to_mark();
      set_items(items);
      return true;
    }
    default:
      return false;
  }
}

bool Unpickler::step_object(std::uint8_t opcode) {
  switch (opcode) {
    case 'c': {  // GLOBAL
      const std::string module = line();
      push_name(module, line());
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const PicklePointer name = pop();
      const PicklePointer module = pop();
      if (name->kind != Kind::kText || module->kind != Kind::kText) damaged();
      push_name(module->text, name->text);
      return true;
    }
    case 'R':   // REDUCE
    case 0x81:  // NEWOBJ
      call();
      return true;
    case 'b':
      build();
      return true;
    case 'Q':
      push_storage();
      return true;
    case 'q':
      remember(number(1));
      return true;
    case 'r':
      remember(number(4));
      return true;
    case 0x94:  // MEMOIZE
      remember(memo_.size());
      return true;
    case 'h':
      recall(number(1));
      return true;
    case 'j':
      recall(number(4));
      return true;
    default:
      return false;
  }
}

void Unpickler::step() {
  const auto opcode = static_cast<std::uint8_t>(number(1));
  switch (opcode) {
    case '.':
      done_ = true;
      return;
    case 0x80: {  // PROTO
      const std::uint64_t protocol = number(1);
      if (protocol < 2 || protocol > 4) fail(fmt::format("pickle protocol {}, not 2 to 4", protocol));
      return;
    }
    case 0x95:  // FRAME
      number(8);
      return;
    default:
      break;
  }
  if (step_constant(opcode) || step_container(opcode) || step_object(opcode)) return;
  fail(fmt::format("damaged pickle, or opcode {:#04x} that weights do not need", opcode));
}

}  // namespace

Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& name) { return Unpickler(bytes, name).run(); }

}  // namespace genu::train
