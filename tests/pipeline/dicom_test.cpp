#include "pipeline/decode/dicom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "core/errors.h"
#include "core/files.h"
#include "core/random.h"
#include "tests/pipeline/test_dicom.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

constexpr std::uint32_t kPatientName = 0x00100010;
constexpr std::uint32_t kPatientId = 0x00100020;
constexpr std::uint32_t kMagnification = 0x00181114;
constexpr std::uint32_t kImagerSpacing = 0x00181164;
constexpr std::uint32_t kOrientation = 0x00200020;
constexpr std::uint32_t kImageLaterality = 0x00200062;
constexpr std::uint32_t kPixelSpacing = 0x00280030;
constexpr std::uint32_t kCentre = 0x00281050;
constexpr std::uint32_t kWidth = 0x00281051;
constexpr std::uint32_t kIntercept = 0x00281052;
constexpr std::uint32_t kSlope = 0x00281053;
constexpr std::uint32_t kVoiFunction = 0x00281056;

// Grey levels 0..1.
std::vector<double> shown(const TestDicom& film) {
  const DecodedImage image = decode_dicom(encode_dicom(film), "film.dcm").image;
  EXPECT_EQ(image.width_px, film.columns);
  EXPECT_EQ(image.height_px, film.rows);
  EXPECT_EQ(image.bit_depth, film.bits_stored > 8 ? 16 : 8);
  std::vector<double> out(film.stored.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t deep = 0;
    if (image.bit_depth == 16) std::memcpy(&deep, &image.bytes[2 * i], 2);
    out[i] = image.bit_depth == 16 ? deep / 65535.0 : image.bytes[i] / 255.0;
  }
  return out;
}

void expect_shown(const TestDicom& film, const std::vector<double>& wanted) {
  const auto got = shown(film);
  ASSERT_EQ(got.size(), wanted.size());
  const double half_step = film.bits_stored > 8 ? 0.5 / 65535 : 0.5 / 255;
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], half_step + 1e-12) << i;
}

std::string fault(const std::vector<std::uint8_t>& bytes) {
  try {
    static_cast<void>(decode_dicom(bytes, "film.dcm"));
  } catch (const DataError& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("film.dcm: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }
  return "no DataError";
}

TestDicom ramp() {
  TestDicom film;
  film.stored = {0, 1000, 2000, 3000, 4000, 4095};
  return film;
}

TEST(Dicom, WithoutAWindowTheValuesThatOccurFillTheRange) {
  TestDicom film = ramp();
  film.stored = {100, 200, 300, 400, 500, 1100};
  expect_shown(film, {0, 0.1, 0.2, 0.3, 0.4, 1});
  film.photometric = "MONOCHROME1";
  expect_shown(film, {1, 0.9, 0.8, 0.7, 0.6, 0});
}

TEST(Dicom, LinearWindowIsTheStandardsFormula) {
  TestDicom film = ramp();
  film.texts = {{kCentre, {"DS", "2000"}}, {kWidth, {"DS", "2001"}}};
  // ((x - 1999.5) / 2000 + 0.5)
  expect_shown(film, {0, 0.00025, 0.50025, 1, 1, 1});
  film.texts.push_back({kVoiFunction, {"CS", "LINEAR_EXACT"}});
  expect_shown(film, {0, (1000 - 2000) / 2001.0 + 0.5, 0.5, (3000 - 2000) / 2001.0 + 0.5, 1, 1});
}

TEST(Dicom, SigmoidWindowAndSeveralWindows) {
  TestDicom film = ramp();
  film.texts = {{kCentre, {"DS", "2000\\100"}}, {kWidth, {"DS", "1000\\9"}}, {kVoiFunction, {"CS", "SIGMOID"}}};
  const auto s = [](double x) { return 1 / (1 + std::exp(-4 * (x - 2000) / 1000)); };
  expect_shown(film, {s(0), s(1000), s(2000), s(3000), s(4000), s(4095)});
}

TEST(Dicom, RescaleComesBeforeTheWindow) {
  TestDicom film = ramp();
  film.texts = {{kSlope, {"DS", "0.5"}},
                {kIntercept, {"DS", "-500"}},
                {kCentre, {"DS", "500"}},
                {kWidth, {"DS", "1000"}},
                {kVoiFunction, {"CS", "LINEAR_EXACT"}}};
  // y = x / 2 - 500, shown (y - 500) / 1000 + 0.5
  expect_shown(film, {0, 0, 0.5, 1, 1, 1});
}

TEST(Dicom, ALookUpTableWinsOverAWindow) {
  TestDicom film = ramp();
  film.stored = {0, 9, 10, 11, 12, 4000};
  film.voi_lut = {0, 65535, 13107};
  film.voi_lut_first = 10;
  film.texts = {{kCentre, {"DS", "2000"}}, {kWidth, {"DS", "10"}}};
  expect_shown(film, {0, 0, 0, 1, 0.2, 0.2});
}

TEST(Dicom, SignedAndEightBitValues) {
  TestDicom film = ramp();
  film.is_signed = true;
  film.stored = {0x800, 0xFFF, 0, 1, 0x7FF, 0x800};  // -2048, -1, 0, 1, 2047 in 12 bits
  expect_shown(film, {0, 2047 / 4095.0, 2048 / 4095.0, 2049 / 4095.0, 1, 0});
  TestDicom small = ramp();
  small.bits_allocated = small.bits_stored = 8;
  small.stored = {0, 51, 102, 153, 204, 255};
  expect_shown(small, {0, 0.2, 0.4, 0.6, 0.8, 1});
}

TEST(Dicom, BitsAboveTheStoredOnesAreOverlaysAndPaddingIsBlack) {
  TestDicom film = ramp();
  film.stored = {0xF000, 0x1000 + 1024, 0x800, 3072, 4095, 4095};
  expect_shown(film, {0, 1024 / 4095.0, 2048 / 4095.0, 3072 / 4095.0, 1, 1});
  film.stored = {0, 100, 200, 300, 4095, 4095};
  film.padding = {4095};
  film.photometric = "MONOCHROME1";
  expect_shown(film, {1, 2 / 3.0, 1 / 3.0, 0, 0, 0});
  film.padding = {4095, 300};
  expect_shown(film, {1, 0.5, 0, 0, 0, 0});
}

TEST(Dicom, SpacingSaysWhatItWasMeasuredAt) {
  const auto spacing = [](const std::string& imager, const std::string& pixel, const std::string& magnification) {
    TestDicom film = ramp();
    if (!imager.empty()) film.texts.push_back({kImagerSpacing, {"DS", imager}});
    if (!pixel.empty()) film.texts.push_back({kPixelSpacing, {"DS", pixel}});
    if (!magnification.empty()) film.texts.push_back({kMagnification, {"DS", magnification}});
    return decode_dicom(encode_dicom(film), "film.dcm").spacing;
  };
  EXPECT_FALSE(spacing("", "", "1.05").has_value());
  EXPECT_EQ(spacing("0.2\\0.2", "", ""), (PixelSpacing{0.2, SpacingKind::kDetector}));
  EXPECT_EQ(spacing("0.2\\0.2", "0.2\\0.2", ""), (PixelSpacing{0.2, SpacingKind::kDetector}));
  EXPECT_EQ(spacing("0.2\\0.2", "0.19\\0.19", "1.1"), (PixelSpacing{0.19, SpacingKind::kCalibrated}));
  EXPECT_EQ(spacing("", "0.17\\0.17", ""), (PixelSpacing{0.17, SpacingKind::kUnstated}));
  const auto magnified = spacing("0.21\\0.21", "", "1.05");
  ASSERT_TRUE(magnified.has_value());
  EXPECT_EQ(magnified->kind, SpacingKind::kMagnified);
  EXPECT_NEAR(magnified->mm, 0.2, 1e-12);
  EXPECT_THROW(spacing("0.2\\0.3", "", ""), DataError);
}

TEST(Dicom, SideOrientationAndIdButNothingElseOfThePatient) {
  TestDicom film = ramp();
  film.texts = {{kPatientName, {"PN", "DOE^JANE"}},
                {kPatientId, {"LO", "9000099 "}},
                {kImageLaterality, {"CS", "R"}},
                {kOrientation, {"CS", "L\\F"}}};
  const DicomFilm decoded = decode_dicom(encode_dicom(film), "film.dcm");
  EXPECT_EQ(decoded.patient_id, "9000099");
  EXPECT_EQ(decoded.side, KneeSide::kRight);
  EXPECT_EQ(decoded.picture_left, PictureLeft::kPatientRight);
  film.texts = {{kImageLaterality, {"CS", "B"}}, {kOrientation, {"CS", "R\\F"}}};
  EXPECT_FALSE(decode_dicom(encode_dicom(film), "film.dcm").side.has_value());
  EXPECT_EQ(decode_dicom(encode_dicom(film), "film.dcm").picture_left, PictureLeft::kPatientLeft);
}

TEST(Dicom, FaultsAreOneLineEach) {
  TestDicom film = ramp();
  film.stored.clear();
  EXPECT_NE(fault(encode_dicom(film)).find("without pixels"), std::string::npos);
  film = ramp();
  film.photometric = "PALETTE COLOR";
  EXPECT_NE(fault(encode_dicom(film)).find("PALETTE COLOR"), std::string::npos);
  film = ramp();
  film.samples_per_pixel = 3;
  EXPECT_NE(fault(encode_dicom(film)).find("colour"), std::string::npos);
  film = ramp();
  film.texts = {{0x00280008, {"IS", "2"}}};
  EXPECT_NE(fault(encode_dicom(film)).find("several frames"), std::string::npos);
  film = ramp();
  film.rows = 20000;
  film.columns = 20000;
  EXPECT_NE(fault(encode_dicom(film)).find("268 million"), std::string::npos);
  film = ramp();
  film.rows = 3;
  EXPECT_NE(fault(encode_dicom(film)).find("cut off"), std::string::npos);
  film = ramp();
  film.texts = {{kCentre, {"DS", "x"}}, {kWidth, {"DS", "10"}}};
  EXPECT_NE(fault(encode_dicom(film)).find("no number"), std::string::npos);
  film.texts = {{kCentre, {"DS", "1"}}, {kWidth, {"DS", "0"}}};
  EXPECT_NE(fault(encode_dicom(film)).find("window width"), std::string::npos);
}

// Wherever the file is cut, or a bit is flipped, the answer is a picture or one line.
TEST(Dicom, CutAnywhereOrFlippedAnywhereIsNoCrash) {
  const auto whole = encode_dicom(ramp());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(fault({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), "no DataError") << size;
  }
  for (std::size_t bit = 0; bit < 8 * whole.size(); bit += 3) {
    auto bytes = whole;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    fault(bytes);
  }
}

class CompressedDicom : public ::testing::TestWithParam<const char*> {};

// DCMTK's own tools compress; what comes back must be the uncompressed picture.
TEST_P(CompressedDicom, IsTheSamePicture) {
  if (std::system("command -v dcmcjpeg dcmcrle dcmcjpls >/dev/null") != 0) GTEST_SKIP() << "no DCMTK tools";
  const TemporaryFolder folder;
  TestDicom film;
  film.rows = 40;
  film.columns = 50;
  const std::string tool = GetParam();
  const bool lossy = tool.find("+eb") != std::string::npos;
  film.bits_allocated = lossy ? 8 : 16;
  film.bits_stored = lossy ? 8 : 12;
  RandomStream random(7, 0, "test.dicom");
  for (int y = 0; y < film.rows; ++y) {
    for (int x = 0; x < film.columns; ++x) {
      film.stored.push_back(static_cast<std::uint16_t>(lossy ? 2 * x + 3 * y : 40 * x + 50 * y + random.integer(30)));
    }
  }
  film.photometric = "MONOCHROME1";
  write_dicom(folder.path() / "plain.dcm", film);
  const auto squeezed = folder.path() / "squeezed.dcm";
  const std::string command = tool + " " + (folder.path() / "plain.dcm").string() + " " + squeezed.string();
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  const auto wanted = decode_dicom(encode_dicom(film), "plain").image;
  const auto bytes = read_file(squeezed);
  const auto got = decode_dicom(bytes, "squeezed").image;
  ASSERT_EQ(got.bytes.size(), wanted.bytes.size());
  if (!lossy) {
    EXPECT_EQ(got.bytes, wanted.bytes);
  } else {
    for (std::size_t i = 0; i < wanted.bytes.size(); ++i) ASSERT_NEAR(got.bytes[i], wanted.bytes[i], 8) << i;
  }
  // Cut in the middle of the compressed pixels.
  EXPECT_NE(fault({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() - 200)}), "no DataError");
}

INSTANTIATE_TEST_SUITE_P(Syntaxes, CompressedDicom,
                         ::testing::Values("dcmcrle", "dcmcjpeg +e1", "dcmcjpeg +el", "dcmcjpls", "dcmcjpeg +eb"));

TEST(Dicom, IsFoundByItsMarkWhateverTheNameSays) {
  const auto bytes = encode_dicom(ramp());
  EXPECT_EQ(decode_image(bytes, "knee.png").width_px, 3);
  EXPECT_FALSE(looks_like_dicom(std::span(bytes).first(131)));
}

}  // namespace
}  // namespace genu::pipeline
