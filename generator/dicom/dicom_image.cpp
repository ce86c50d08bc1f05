#include "generator/dicom/dicom_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>

#include "core/errors.h"
#include "core/hash.h"
#include "core/module.h"
#include "core/run_record.h"
#include "generator/dicom/dicom_writer_module.h"

namespace genu::generator {

namespace {

using Encode = decltype(&genu_dicom_encode);

Encode load_encoder() {
  const auto path = module_path("libgenu_dicom_writer.so");
  if (!std::filesystem::exists(path)) {
    throw UsageError("this build cannot write DICOM (" + path.string() +
                     " is missing); build it, or set format to png");
  }
  return module_function<Encode>(path, "genu_dicom_encode", "the DICOM writer");
}

// Values live here while the request points at them.
class Tags {
 public:
  void add(std::uint16_t group, std::uint16_t element, std::string value) {
    values_.push_back({group, element, std::move(value)});
  }
  std::vector<GenuDicomTag> list() const {
    std::vector<GenuDicomTag> tags;
    for (const Value& value : values_) tags.push_back({value.group, value.element, value.text.c_str()});
    return tags;
  }

 private:
  struct Value {
    std::uint16_t group, element;
    std::string text;
  };
  std::vector<Value> values_;
};

// A day of the years 2000-2009, so that studies sort; no image was taken on it.
std::string derived_date(std::uint64_t seed, const std::string& what) {
  const auto digest = sha256(fmt::format("{}/date/{}", seed, what));
  return fmt::format("200{}{:02}{:02}", digest[0] % 10, 1 + digest[1] % 12, 1 + digest[2] % 28);
}

void add_patient_and_study(const DicomFacts& facts, Tags& tags) {
  const std::string date = derived_date(facts.seed, facts.patient_id);
  tags.add(0x0010, 0x0010, "SYNTHETIC^" + facts.patient_id);
  tags.add(0x0010, 0x0020, facts.patient_id);
  tags.add(0x0010, 0x0030, "");
  tags.add(0x0010, 0x0040, facts.sex);
  tags.add(0x0010, 0x1010, fmt::format("{:03}Y", facts.age_years));
  tags.add(0x0010, 0x4000, "No patient: computed picture");
  tags.add(0x0012, 0x0062, "YES");
  tags.add(0x0012, 0x0063, "No person was imaged; every value is computed");
  tags.add(0x0020, 0x000D, derived_uid(facts.seed, "study/" + facts.patient_id));
  tags.add(0x0008, 0x0020, date);
  tags.add(0x0008, 0x0021, date);
  tags.add(0x0008, 0x0023, date);
  tags.add(0x0008, 0x0030, "120000");
  tags.add(0x0008, 0x0031, "120000");
  tags.add(0x0008, 0x0033, "120000");
  tags.add(0x0008, 0x0022, date);
  tags.add(0x0008, 0x0032, "120000");
  tags.add(0x0008, 0x0050, "");
  tags.add(0x0008, 0x0090, "");
  tags.add(0x0020, 0x0010, "1");
  tags.add(0x0008, 0x0060, "DX");
  tags.add(0x0008, 0x0068, "FOR PRESENTATION");
  tags.add(0x0020, 0x000E, derived_uid(facts.seed, "series/" + facts.patient_id));
  tags.add(0x0020, 0x0011, "1");
  tags.add(0x0008, 0x0070, "genu");
  tags.add(0x0008, 0x1090, "synthetic radiographs");
  tags.add(0x0018, 0x1020, std::string(version()));
}

void add_image(const DicomFacts& facts, int width_px, int height_px, Tags& tags) {
  const bool inverse = facts.photometric == Photometric::kMonochrome1;
  const int allocated = facts.bits_stored > 8 ? 16 : 8;
  tags.add(0x0008, 0x0005, "ISO_IR 100");
  tags.add(0x0008, 0x0016, "1.2.840.10008.5.1.4.1.1.1.1");
  tags.add(0x0008, 0x0018, derived_uid(facts.seed, "image/" + facts.image_id));
  tags.add(0x0008, 0x0008, "DERIVED\\PRIMARY");
  tags.add(0x0008, 0x2111, "Synthetic: projected from a sampled model by genu; not for diagnosis");
  tags.add(0x0020, 0x4000, facts.comment);
  tags.add(0x0020, 0x0013, "1");
  tags.add(0x0020, 0x0020, "L\\F");
  tags.add(0x0028, 0x0002, "1");
  tags.add(0x0028, 0x0004, inverse ? "MONOCHROME1" : "MONOCHROME2");
  tags.add(0x0028, 0x0010, std::to_string(height_px));
  tags.add(0x0028, 0x0011, std::to_string(width_px));
  tags.add(0x0028, 0x0100, std::to_string(allocated));
  tags.add(0x0028, 0x0101, std::to_string(facts.bits_stored));
  tags.add(0x0028, 0x0102, std::to_string(facts.bits_stored - 1));
  tags.add(0x0028, 0x0103, "0");
  tags.add(0x0028, 0x0301, "NO");
  tags.add(0x0028, 0x1040, "LOG");
  tags.add(0x0028, 0x1041, inverse ? "1" : "-1");  // higher values for less (more) X-ray intensity
  tags.add(0x0028, 0x1052, "0");
  tags.add(0x0028, 0x1053, "1");
  tags.add(0x0028, 0x1054, "US");
  const int levels = 1 << facts.bits_stored;
  tags.add(0x0028, 0x1050, std::to_string(levels / 2));
  tags.add(0x0028, 0x1051, std::to_string(levels));
  tags.add(0x0028, 0x2110, "00");
  tags.add(0x2050, 0x0020, inverse ? "INVERSE" : "IDENTITY");
}

void add_acquisition(const DicomFacts& facts, Tags& tags) {
  const auto pair = [](double mm) { return fmt::format("{0:.6f}\\{0:.6f}", mm); };
  tags.add(0x0018, 0x0015, "KNEE");
  tags.add(0x0020, 0x0062, facts.laterality);
  tags.add(0x0018, 0x5101, "PA");
  tags.add(0x0018, 0x1508, "");  // positioner type: none
  tags.add(0x0018, 0x0060, fmt::format("{:.1f}", facts.tube_voltage_kvp));
  tags.add(0x0018, 0x7004, "SCINTILLATOR");
  tags.add(0x0018, 0x1164, pair(facts.detector_spacing_mm));
  tags.add(0x0028, 0x0030, pair(facts.detector_spacing_mm / facts.magnification));
  tags.add(0x0028, 0x0A02, "GEOMETRY");
  tags.add(0x0028, 0x0A04, "divided by the estimated magnification");
  tags.add(0x0018, 0x1114, fmt::format("{:.4f}", facts.magnification));
  constexpr double kSourceToDetectorMm = 1830;  // fixed-flexion protocol (spec 5.1)
  tags.add(0x0018, 0x1110, fmt::format("{:.1f}", kSourceToDetectorMm));
  tags.add(0x0018, 0x1111, fmt::format("{:.1f}", kSourceToDetectorMm / facts.magnification));
}

// Anatomy, projection and context as codes (DICOM context groups 4009 and 4010).
std::vector<GenuDicomCode> codes() {
  return {{0x0008, 0x2218, "72696002", "SCT", "Knee"},
          {0x0054, 0x0220, "272479007", "SCT", "postero-anterior"},
          {0x0040, 0x0555, nullptr, nullptr, nullptr}};
}

}  // namespace

std::string derived_uid(std::uint64_t seed, const std::string& what) {
  const auto digest = sha256(fmt::format("{}/uid/{}", seed, what));
  // A 122-bit number in decimal, as UUID-derived UIDs have it.
  unsigned __int128 number = 0;
  for (std::size_t i = 0; i < 16; ++i) number = (number << 8) | digest[i];
  number &= (static_cast<unsigned __int128>(1) << 122) - 1;
  std::string digits;
  for (; number > 0; number /= 10) digits += static_cast<char>('0' + static_cast<int>(number % 10));
  std::reverse(digits.begin(), digits.end());
  return "2.25." + (digits.empty() ? "0" : digits);
}

std::vector<std::uint8_t> encode_dicom(const std::vector<std::uint16_t>& grey, int width_px, int height_px,
                                       const DicomFacts& facts) {
  static const Encode encode = load_encoder();
  const auto top = static_cast<std::uint16_t>((1 << facts.bits_stored) - 1);
  const bool inverse = facts.photometric == Photometric::kMonochrome1;
  std::vector<std::uint16_t> wide(grey.size());
  std::vector<std::uint8_t> narrow(facts.bits_stored > 8 ? 0 : grey.size());
  for (std::size_t i = 0; i < grey.size(); ++i) {
    wide[i] = inverse ? static_cast<std::uint16_t>(top - grey[i]) : grey[i];
    if (!narrow.empty()) narrow[i] = static_cast<std::uint8_t>(wide[i]);
  }
  Tags tags;
  add_patient_and_study(facts, tags);
  add_image(facts, width_px, height_px, tags);
  add_acquisition(facts, tags);
  const std::vector<GenuDicomTag> tag_list = tags.list();
  const std::vector<GenuDicomCode> code_list = codes();
  GenuDicomRequest request{};
  request.width_px = width_px;
  request.height_px = height_px;
  request.bits_allocated = narrow.empty() ? 16 : 8;
  request.pixels = narrow.empty() ? static_cast<const void*>(wide.data()) : narrow.data();
  request.tags = tag_list.data();
  request.tag_count = tag_list.size();
  request.codes = code_list.data();
  request.code_count = code_list.size();
  request.compression = facts.compression == DicomCompression::kJpegLossless ? kGenuDicomJpegLossless
                        : facts.compression == DicomCompression::kRle        ? kGenuDicomRle
                                                                             : kGenuDicomPlain;
  std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  std::array<char, 256> message{};
  if (encode(&request, &bytes, &size, message.data(), message.size()) != 0) {
    throw InternalError("cannot encode a DICOM file: " + std::string(message.data()));
  }
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  return {bytes, bytes + size};
}

}  // namespace genu::generator
