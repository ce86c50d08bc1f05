#include "pipeline/decode/dicom_module.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// A fault of the file, in words for the user.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// DCMTK frees what it registered only when asked to.
struct Decoders {
  Decoders() {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DcmRLEDecoderRegistration::registerCodecs();
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
  }
  ~Decoders() {
    DJLSDecoderRegistration::cleanup();
    DJDecoderRegistration::cleanup();
    DcmRLEDecoderRegistration::cleanup();
  }
  Decoders(const Decoders&) = delete;
  Decoders& operator=(const Decoders&) = delete;
};

void prepare_library() { static const Decoders decoders; }

// The first value of an attribute, without padding.
std::string text_of(DcmItem& item, const DcmTagKey& tag, unsigned long position = 0) {
  OFString value;
  if (item.findAndGetOFString(tag, value, position).bad()) return "";
  const auto first = value.find_first_not_of(' ');
  const auto last = value.find_last_not_of(' ');
  return first == OFString_npos ? "" : std::string(value.c_str() + first, last - first + 1);
}

// `fallback` where there is none. Throws where there is one that is no finite number.
double number_of(DcmItem& item, const DcmTagKey& tag, double fallback, unsigned long position = 0) {
  const std::string text = text_of(item, tag, position);
  if (text.empty()) return fallback;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end != '\0' || !std::isfinite(value)) {
    throw Fault("DICOM attribute " + std::string(tag.toString().c_str()) + " is no number; correct it");
  }
  return value;
}

int whole_number_of(DcmItem& item, const DcmTagKey& tag, int fallback) {
  Uint16 value = 0;
  return item.findAndGetUint16(tag, value).good() ? value : fallback;
}

// How a stored value is laid out.
struct Layout {
  int rows = 0;
  int columns = 0;
  int bits_allocated = 0;
  int bits_stored = 0;
  int shift = 0;
  bool is_signed = false;
  bool is_monochrome1 = false;

  std::size_t pixels() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }
  std::size_t codes() const { return std::size_t{1} << bits_stored; }
  std::size_t code_of(unsigned raw) const { return (raw >> shift) & (codes() - 1); }
  double value_of(std::size_t code) const {
    const auto half = codes() / 2;
    return is_signed && code >= half ? static_cast<double>(code) - static_cast<double>(codes())
                                     : static_cast<double>(code);
  }
};

void require(bool fine, const std::string& fault) {
  if (!fine) throw Fault(fault);
}

Layout read_layout(DcmItem& data) {
  Layout layout;
  layout.rows = whole_number_of(data, DCM_Rows, 0);
  layout.columns = whole_number_of(data, DCM_Columns, 0);
  require(layout.rows > 0 && layout.columns > 0, "DICOM without rows or columns; export it again");
  constexpr std::size_t kMostPixels = std::size_t{1} << 28;
  require(layout.pixels() <= kMostPixels, "DICOM of more than 268 million pixels; no film is that large");
  require(whole_number_of(data, DCM_SamplesPerPixel, 1) == 1, "DICOM in colour; only grey films are read");
  const std::string photometric = text_of(data, DCM_PhotometricInterpretation);
  require(photometric == "MONOCHROME1" || photometric == "MONOCHROME2",
          "DICOM with photometric interpretation '" + photometric + "'; MONOCHROME1 or MONOCHROME2 is needed");
  layout.is_monochrome1 = photometric == "MONOCHROME1";
  require(number_of(data, DCM_NumberOfFrames, 1) == 1, "DICOM of several frames; export the film alone");
  layout.bits_allocated = whole_number_of(data, DCM_BitsAllocated, 0);
  layout.bits_stored = whole_number_of(data, DCM_BitsStored, layout.bits_allocated);
  const int high_bit = whole_number_of(data, DCM_HighBit, layout.bits_stored - 1);
  layout.shift = high_bit + 1 - layout.bits_stored;
  require((layout.bits_allocated == 8 || layout.bits_allocated == 16) && layout.bits_stored >= 1 &&
              layout.bits_stored <= layout.bits_allocated && layout.shift >= 0 && high_bit < layout.bits_allocated,
          "DICOM with bits allocated " + std::to_string(layout.bits_allocated) + ", stored " +
              std::to_string(layout.bits_stored) + ", high bit " + std::to_string(high_bit) +
              "; 8 or 16 bits with 1 to 16 stored are read");
  layout.is_signed = whole_number_of(data, DCM_PixelRepresentation, 0) == 1;
  return layout;
}

std::vector<std::uint16_t> read_codes(DcmDataset& data, const Layout& layout) {
  std::vector<std::uint16_t> codes(layout.pixels());
  const auto require_all = [&](unsigned long count) {
    require(count >= codes.size(), "DICOM whose pixel data are cut off; replace it");
  };
  unsigned long count = 0;
  if (layout.bits_allocated == 16) {
    const Uint16* raw = nullptr;
    require(data.findAndGetUint16Array(DCM_PixelData, raw, &count).good() && raw != nullptr,
            "DICOM whose pixel data cannot be read; export it again");
    require_all(count);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint16_t>(layout.code_of(raw[i]));
  } else {
    const Uint8* raw = nullptr;
    require(data.findAndGetUint8Array(DCM_PixelData, raw, &count).good() && raw != nullptr,
            "DICOM whose pixel data cannot be read; export it again");
    require_all(count);
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint16_t>(layout.code_of(raw[i]));
  }
  return codes;
}

// A look-up table of a modality or VOI LUT sequence: PS3.3 C.11.1.1.
struct LookUp {
  double first = 0;    // input that maps to the first entry
  double highest = 0;  // greatest possible entry
  std::vector<double> entries;
  bool is_empty() const { return entries.empty(); }
  double at(double input) const {
    const double place = std::clamp(std::round(input - first), 0.0, static_cast<double>(entries.size() - 1));
    return entries[static_cast<std::size_t>(place)];
  }
};

LookUp read_look_up(DcmItem& data, const DcmTagKey& sequence, bool signed_input) {
  LookUp table;
  DcmItem* item = nullptr;
  if (data.findAndGetSequenceItem(sequence, item, 0).bad() || item == nullptr) return table;
  // The descriptor is unsigned or signed as its input is, whatever its own type says.
  std::vector<Uint16> descriptor;
  for (unsigned long i = 0; i < 3; ++i) {
    Uint16 value = 0;
    Sint16 as_signed = 0;
    if (item->findAndGetUint16(DCM_LUTDescriptor, value, i).bad()) {
      require(item->findAndGetSint16(DCM_LUTDescriptor, as_signed, i).good(),
              "DICOM with a look-up table without descriptor; export it again");
      value = static_cast<Uint16>(as_signed);
    }
    descriptor.push_back(value);
  }
  const std::size_t count = descriptor[0] == 0 ? 65536 : descriptor[0];
  require(descriptor[2] >= 8 && descriptor[2] <= 16, "DICOM with a look-up table of neither 8 nor 16 bits");
  table.first = signed_input ? static_cast<double>(static_cast<Sint16>(descriptor[1])) : descriptor[1];
  table.highest = std::ldexp(1.0, descriptor[2]) - 1;
  const Uint16* entries = nullptr;
  unsigned long length = 0;
  require(item->findAndGetUint16Array(DCM_LUTData, entries, &length).good() && entries != nullptr && length >= count,
          "DICOM with a look-up table that is cut off; export it again");
  table.entries.assign(entries, entries + count);
  return table;
}

// From a value after the modality step to 0..1: PS3.3 C.11.2.
struct Display {
  enum class Kind { kLookUp, kLinear, kLinearExact, kSigmoid, kRange };
  Kind kind = Kind::kRange;
  LookUp look_up;
  double centre = 0;
  double width = 1;
  double low = 0;  // kRange
  double high = 1;

  double shown(double x) const {
    switch (kind) {
      case Kind::kLookUp:
        return look_up.at(x) / look_up.highest;
      case Kind::kLinear:
        return width > 1 ? (x - (centre - 0.5)) / (width - 1) + 0.5 : (x > centre - 0.5 ? 1 : 0);
      case Kind::kLinearExact:
        return (x - centre) / width + 0.5;
      case Kind::kSigmoid:
        return 1 / (1 + std::exp(-4 * (x - centre) / width));
      case Kind::kRange:
        break;
    }
    return high > low ? (x - low) / (high - low) : 0;
  }
};

Display read_display(DcmItem& data, bool signed_values) {
  Display display;
  display.look_up = read_look_up(data, DCM_VOILUTSequence, signed_values);
  if (!display.look_up.is_empty()) {
    display.kind = Display::Kind::kLookUp;
    return display;
  }
  if (text_of(data, DCM_WindowCenter).empty() || text_of(data, DCM_WindowWidth).empty()) return display;
  display.centre = number_of(data, DCM_WindowCenter, 0);
  display.width = number_of(data, DCM_WindowWidth, 0);
  const std::string function = text_of(data, DCM_VOILUTFunction);
  if (function.empty() || function == "LINEAR") {
    display.kind = Display::Kind::kLinear;
  } else if (function == "LINEAR_EXACT") {
    display.kind = Display::Kind::kLinearExact;
  } else if (function == "SIGMOID") {
    display.kind = Display::Kind::kSigmoid;
  } else {
    throw Fault("DICOM with VOI LUT function '" + function + "'; LINEAR, LINEAR_EXACT and SIGMOID are read");
  }
  const double least = display.kind == Display::Kind::kLinear ? 1 : std::numeric_limits<double>::min();
  require(display.width >= least, "DICOM with a window width that is too small; correct it");
  return display;
}

// Which stored codes stand for "no pixel here".
std::vector<bool> padding_codes(DcmItem& data, const Layout& layout) {
  std::vector<bool> padding(layout.codes());
  const auto read = [&](const DcmTagKey& tag, long& value) {
    Uint16 unsigned_value = 0;
    Sint16 signed_value = 0;
    if (data.findAndGetUint16(tag, unsigned_value).good()) {
      value = layout.is_signed ? static_cast<Sint16>(unsigned_value) : static_cast<long>(unsigned_value);
      return true;
    }
    if (data.findAndGetSint16(tag, signed_value).good()) {
      value = layout.is_signed ? static_cast<long>(signed_value) : static_cast<Uint16>(signed_value);
      return true;
    }
    return false;
  };
  long first = 0;
  if (!read(DCM_PixelPaddingValue, first)) return padding;
  long last = first;
  read(DCM_PixelPaddingRangeLimit, last);
  for (std::size_t code = 0; code < padding.size(); ++code) {
    const double value = layout.value_of(code);
    padding[code] =
        value >= static_cast<double>(std::min(first, last)) && value <= static_cast<double>(std::max(first, last));
  }
  return padding;
}

// Every stored code to 0..1.
std::vector<double> shown_codes(DcmItem& data, const Layout& layout, const std::vector<std::uint16_t>& codes) {
  const LookUp modality = read_look_up(data, DCM_ModalityLUTSequence, layout.is_signed);
  const double slope = number_of(data, DCM_RescaleSlope, 1);
  const double intercept = number_of(data, DCM_RescaleIntercept, 0);
  std::vector<double> values(layout.codes());
  for (std::size_t code = 0; code < values.size(); ++code) {
    const double stored = layout.value_of(code);
    values[code] = modality.is_empty() ? slope * stored + intercept : modality.at(stored);
  }
  const std::vector<bool> padding = padding_codes(data, layout);
  Display display = read_display(data, layout.is_signed || (modality.is_empty() && intercept < 0));
  if (display.kind == Display::Kind::kRange) {
    display.low = std::numeric_limits<double>::max();
    display.high = std::numeric_limits<double>::lowest();
    for (const std::uint16_t code : codes) {
      if (padding[code]) continue;
      display.low = std::min(display.low, values[code]);
      display.high = std::max(display.high, values[code]);
    }
  }
  for (std::size_t code = 0; code < values.size(); ++code) {
    const double shown = std::clamp(display.shown(values[code]), 0.0, 1.0);
    values[code] = padding[code] ? 0 : layout.is_monochrome1 ? 1 - shown : shown;
  }
  return values;
}

template <class T>
void render(const std::vector<std::uint16_t>& codes, const std::vector<double>& shown, std::uint8_t* bytes) {
  std::vector<T> levels(shown.size());
  std::transform(shown.begin(), shown.end(), levels.begin(), [](double value) {
    return static_cast<T>(std::lround(value * static_cast<double>(std::numeric_limits<T>::max())));
  });
  for (std::size_t i = 0; i < codes.size(); ++i) std::memcpy(bytes + i * sizeof(T), &levels[codes[i]], sizeof(T));
}

template <std::size_t N>
void copy_text(const std::string& from, char (&to)[N]) {
  std::snprintf(to, N, "%s", from.c_str());
}

void read_facts(DcmItem& data, GenuDicomFilm& film) {
  copy_text(text_of(data, DCM_PatientID), film.patient_id);
  copy_text(text_of(data, DCM_BodyPartExamined), film.body_part);
  const std::string of_image = text_of(data, DCM_ImageLaterality);
  copy_text(of_image.empty() ? text_of(data, DCM_Laterality) : of_image, film.laterality);
  copy_text(text_of(data, DCM_PatientOrientation), film.patient_orientation);
  copy_text(text_of(data, DCM_PixelSpacingCalibrationType), film.calibration_type);
  for (unsigned long i = 0; i < 2; ++i) {
    film.imager_spacing_mm[i] = number_of(data, DCM_ImagerPixelSpacing, 0, i);
    film.pixel_spacing_mm[i] = number_of(data, DCM_PixelSpacing, 0, i);
  }
  film.magnification = number_of(data, DCM_EstimatedRadiographicMagnificationFactor, 0);
}

void decode(const std::uint8_t* bytes, std::size_t size, GenuDicomFilm& film) {
  prepare_library();
  DcmInputBufferStream stream;
  stream.setBuffer(bytes, static_cast<offile_off_t>(size));
  stream.setEos();
  DcmFileFormat file;
  file.transferInit();
  const OFCondition read = file.read(stream);
  file.transferEnd();
  require(read.good(), "DICOM that is damaged or cut off; replace it");
  DcmDataset& data = *file.getDataset();
  require(data.tagExists(DCM_PixelData), "DICOM without pixels; export it with its image");
  const E_TransferSyntax syntax = data.getOriginalXfer();
  if (data.chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad()) {
    const DcmXfer xfer(syntax);
    const std::string called = xfer.getXferName();
    const bool is_read = called.find("JPEG 2000") == std::string::npos && called.find("MPEG") == std::string::npos;
    throw Fault(is_read ? "DICOM whose compressed pixels (" + called + ") are damaged; replace it"
                        : "DICOM compressed as " + called + ", which is not read; decompress it first");
  }
  const Layout layout = read_layout(data);
  const auto codes = read_codes(data, layout);
  const auto shown = shown_codes(data, layout, codes);
  read_facts(data, film);
  film.width_px = layout.columns;
  film.height_px = layout.rows;
  film.bit_depth = layout.bits_stored > 8 ? 16 : 8;
  film.bytes = static_cast<std::uint8_t*>(std::malloc(codes.size() * static_cast<std::size_t>(film.bit_depth / 8)));
  require(film.bytes != nullptr, "out of memory");
  if (film.bit_depth == 16) {
    render<std::uint16_t>(codes, shown, film.bytes);
  } else {
    render<std::uint8_t>(codes, shown, film.bytes);
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int genu_dicom_decode(const std::uint8_t* bytes, std::size_t size,
                                                                        GenuDicomFilm* film, char* message,
                                                                        std::size_t message_size) {
  try {
    decode(bytes, size, *film);
    return 0;
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return 1;
  }
}
