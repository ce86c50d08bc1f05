#include "tests/pipeline/test_dicom.h"

#include <map>
#include <span>

#include "core/files.h"

namespace genu::pipeline {

namespace {

using Bytes = std::vector<std::uint8_t>;

void put_16(std::uint32_t value, Bytes& out) {
  out.push_back(static_cast<std::uint8_t>(value));
  out.push_back(static_cast<std::uint8_t>(value >> 8));
}
void put_32(std::uint32_t value, Bytes& out) {
  put_16(value & 0xFFFF, out);
  put_16(value >> 16, out);
}

void put_tag(std::uint32_t tag, Bytes& out) {
  put_16(tag >> 16, out);
  put_16(tag & 0xFFFF, out);
}

Bytes element(std::uint32_t tag, const std::string& vr, Bytes value) {
  if (value.size() % 2 == 1) value.push_back(vr == "UI" || vr == "OB" ? 0 : ' ');
  Bytes out;
  put_tag(tag, out);
  out.insert(out.end(), vr.begin(), vr.end());
  if (vr == "OB" || vr == "OW" || vr == "SQ") {
    put_16(0, out);
    put_32(static_cast<std::uint32_t>(value.size()), out);
  } else {
    put_16(static_cast<std::uint32_t>(value.size()), out);
  }
  out.insert(out.end(), value.begin(), value.end());
  return out;
}

Bytes text(std::uint32_t tag, const std::string& vr, const std::string& value) {
  return element(tag, vr, Bytes(value.begin(), value.end()));
}

Bytes words(std::uint32_t tag, const std::string& vr, const std::vector<std::uint16_t>& values) {
  Bytes bytes;
  for (const std::uint16_t value : values) put_16(value, bytes);
  return element(tag, vr, bytes);
}

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

Bytes voi_sequence(const TestDicom& film) {
  Bytes item = words(0x00283002, "US", {static_cast<std::uint16_t>(film.voi_lut.size()), film.voi_lut_first, 16});
  append(item, words(0x00283006, "OW", film.voi_lut));
  Bytes sequence;
  put_tag(0xFFFEE000, sequence);
  put_32(static_cast<std::uint32_t>(item.size()), sequence);
  append(sequence, item);
  return element(0x00283010, "SQ", sequence);
}

}  // namespace

std::vector<std::uint8_t> encode_dicom(const TestDicom& film) {
  const auto number = [](int value) { return std::vector<std::uint16_t>{static_cast<std::uint16_t>(value)}; };
  std::map<std::uint32_t, Bytes> elements;  // in the order of their tags, as the standard wants
  const std::string kDigitalXRay = "1.2.840.10008.5.1.4.1.1.1.1";
  elements[0x00080016] = text(0x00080016, "UI", kDigitalXRay);
  elements[0x00080018] = text(0x00080018, "UI", "1.2.3.4.5");
  elements[0x00280002] = words(0x00280002, "US", {film.samples_per_pixel});
  elements[0x00280004] = text(0x00280004, "CS", film.photometric);
  elements[0x00280010] = words(0x00280010, "US", number(film.rows));
  elements[0x00280011] = words(0x00280011, "US", number(film.columns));
  elements[0x00280100] = words(0x00280100, "US", number(film.bits_allocated));
  elements[0x00280101] = words(0x00280101, "US", number(film.bits_stored));
  elements[0x00280102] = words(0x00280102, "US", number(film.bits_stored - 1));
  elements[0x00280103] = words(0x00280103, "US", number(film.is_signed ? 1 : 0));
  for (const auto& [tag, value] : film.texts) elements[tag] = text(tag, value.first, value.second);
  if (!film.padding.empty()) {
    elements[0x00280120] = words(0x00280120, film.is_signed ? "SS" : "US", {film.padding[0]});
    if (film.padding.size() > 1) {
      elements[0x00280121] = words(0x00280121, film.is_signed ? "SS" : "US", {film.padding[1]});
    }
  }
  if (!film.voi_lut.empty()) elements[0x00283010] = voi_sequence(film);
  if (!film.stored.empty()) {
    if (film.bits_allocated == 16) {
      elements[0x7FE00010] = words(0x7FE00010, "OW", film.stored);
    } else {
      elements[0x7FE00010] = element(0x7FE00010, "OB", Bytes(film.stored.begin(), film.stored.end()));
    }
  }
  Bytes meta = element(0x00020001, "OB", {0, 1});
  append(meta, text(0x00020002, "UI", kDigitalXRay));
  append(meta, text(0x00020003, "UI", "1.2.3.4.5"));
  append(meta, text(0x00020010, "UI", "1.2.840.10008.1.2.1"));
  append(meta, text(0x00020012, "UI", "1.2.3.4"));
  Bytes out(128, 0);
  append(out, {'D', 'I', 'C', 'M'});
  Bytes length;
  put_32(static_cast<std::uint32_t>(meta.size()), length);
  append(out, element(0x00020000, "UL", length));
  append(out, meta);
  for (const auto& [tag, bytes] : elements) append(out, bytes);
  return out;
}

void write_dicom(const std::filesystem::path& path, const TestDicom& film) {
  make_folders(path.parent_path());
  const auto bytes = encode_dicom(film);
  write_file_atomically(path, std::as_bytes(std::span(bytes)), Durability::kBatch);
}

}  // namespace genu::pipeline
