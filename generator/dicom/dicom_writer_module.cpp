#include "generator/dicom/dicom_writer_module.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void check(const OFCondition& condition, const std::string& what) {
  if (condition.bad()) throw std::runtime_error(what + ": " + condition.text());
}

// DCMTK frees what it registered only when asked to.
struct Encoders {
  Encoders() {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    // Compressing changes neither the UID nor a pixel.
    DJEncoderRegistration::registerCodecs(ECC_lossyYCbCr, EUC_never);
    DcmRLEEncoderRegistration::registerCodecs();
  }
  ~Encoders() {
    DcmRLEEncoderRegistration::cleanup();
    DJEncoderRegistration::cleanup();
  }
  Encoders(const Encoders&) = delete;
  Encoders& operator=(const Encoders&) = delete;
};

void register_codecs() { static const Encoders encoders; }

void put_tags(const GenuDicomRequest& request, DcmDataset& dataset) {
  for (std::size_t i = 0; i < request.tag_count; ++i) {
    const GenuDicomTag& tag = request.tags[i];
    check(dataset.putAndInsertString(DcmTag(tag.group, tag.element), tag.value),
          "attribute " + std::to_string(tag.group) + "," + std::to_string(tag.element));
  }
  for (std::size_t i = 0; i < request.code_count; ++i) {
    const GenuDicomCode& code = request.codes[i];
    const DcmTag sequence(code.group, code.element);
    if (code.value == nullptr) {  // an empty sequence
      check(dataset.insertEmptyElement(sequence), "empty sequence");
      continue;
    }
    DcmItem* item = nullptr;
    check(dataset.findOrCreateSequenceItem(sequence, item, 0), "code sequence");
    check(item->putAndInsertString(DCM_CodeValue, code.value), "code value");
    check(item->putAndInsertString(DCM_CodingSchemeDesignator, code.scheme), "coding scheme");
    check(item->putAndInsertString(DCM_CodeMeaning, code.meaning), "code meaning");
  }
}

void put_pixels(const GenuDicomRequest& request, DcmDataset& dataset) {
  const auto count = static_cast<unsigned long>(request.width_px) * static_cast<unsigned long>(request.height_px);
  if (request.bits_allocated == 16) {
    check(dataset.putAndInsertUint16Array(DCM_PixelData, static_cast<const Uint16*>(request.pixels), count), "pixels");
  } else {
    check(dataset.putAndInsertUint8Array(DCM_PixelData, static_cast<const Uint8*>(request.pixels), count), "pixels");
  }
}

E_TransferSyntax syntax_of(GenuDicomCompression compression) {
  if (compression == kGenuDicomJpegLossless) return EXS_JPEGProcess14SV1;
  if (compression == kGenuDicomRle) return EXS_RLELossless;
  return EXS_LittleEndianExplicit;
}

std::vector<std::uint8_t> serialise(DcmFileFormat& file, E_TransferSyntax syntax, std::size_t room) {
  std::vector<std::uint8_t> bytes(room);
  DcmOutputBufferStream stream(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  file.transferInit();
  check(file.write(stream, syntax, EET_ExplicitLength, nullptr, EGL_recalcGL, EPD_withoutPadding), "writing");
  file.transferEnd();
  void* begin = nullptr;
  offile_off_t size = 0;
  stream.flushBuffer(begin, size);
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

std::vector<std::uint8_t> encode(const GenuDicomRequest& request) {
  register_codecs();
  DcmFileFormat file;
  DcmDataset& dataset = *file.getDataset();
  put_tags(request, dataset);
  put_pixels(request, dataset);
  const E_TransferSyntax syntax = syntax_of(request.compression);
  if (request.compression == kGenuDicomJpegLossless) {
    const DJ_RPLossless parameters;  // process 14, selection value 1
    check(dataset.chooseRepresentation(syntax, &parameters), "JPEG lossless");
  } else if (request.compression == kGenuDicomRle) {
    check(dataset.chooseRepresentation(syntax, nullptr), "RLE");
  }
  const auto pixels = static_cast<std::size_t>(request.width_px) * static_cast<std::size_t>(request.height_px);
  return serialise(file, syntax, 3 * pixels * static_cast<std::size_t>(request.bits_allocated / 8) + (1u << 20));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int genu_dicom_encode(const GenuDicomRequest* request,
                                                                        std::uint8_t** bytes, std::size_t* size,
                                                                        char* message, std::size_t message_size) {
  try {
    const std::vector<std::uint8_t> file = encode(*request);
    auto* copy = static_cast<std::uint8_t*>(std::malloc(file.size()));
    if (copy == nullptr) throw std::runtime_error("out of memory");
    std::memcpy(copy, file.data(), file.size());
    *bytes = copy;
    *size = file.size();
    return 0;
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return 1;
  }
}
