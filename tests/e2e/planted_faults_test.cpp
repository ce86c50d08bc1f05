// Faults that real folders and tables have, planted one by one: the line that the program prints, its exit code, and
// that docs/sources.md quotes that line.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "core/files.h"
#include "core/png.h"
#include "tests/e2e/run_genu.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

namespace fs = std::filesystem;
using pipeline::knee_like;
using pipeline::write_png;

// Four people in train, four in val, both knees each, in the Mendeley layout.
class PlantedFault : public ::testing::Test {
 protected:
  PlantedFault() { pipeline::write_mendeley_folder(films(), 4); }
  fs::path films() const { return folder.path() / "films"; }
  fs::path victim() const { return films() / "train/1/9000001L.png"; }
  fs::path intruder(char side = 'L') const { return films() / "val/1" / (std::string("9999999") + side + ".png"); }
  // The victim's pixels.
  static cv::Mat original() {
    static const PngImage image = knee_like(2);
    return {image.height_px, image.width_px, CV_8U, const_cast<std::uint8_t*>(image.bytes.data())};
  }
  static void write(const fs::path& path, const cv::Mat& grey) {
    write_png(path, {grey.cols, grey.rows, 1, 8, {grey.datastart, grey.dataend}});
  }
  fs::path table(const std::string& text) const {
    write_file_atomically(folder.path() / "knees.csv", text);
    return folder.path() / "knees.csv";
  }
  ProgramRun shard(const std::string& options = "") const {
    return run_genu("shard --quiet --set preprocess.size_px=96 --mendeley " + films().string() + " --out " +
                    (folder.path() / "shards").string() + " " + options);
  }
  ProgramRun ingest(const std::string& source) const {
    return run_genu("ingest " + source + " --out " + (folder.path() / "listed.csv").string());
  }
  bool packed() const { return fs::exists(folder.path() / "shards/shards.json"); }

  // `line` stands in one line of what the program said on stderr, and in the document.
  static void expect_line(const ProgramRun& run, int exit_code, const std::string& file, const std::string& line) {
    EXPECT_EQ(run.exit_code, exit_code) << run.err;
    bool found = false;
    std::istringstream lines(run.err);
    for (std::string one; std::getline(lines, one);) {
      found = found || (one.find(file) != std::string::npos && one.find(line) != std::string::npos);
    }
    EXPECT_TRUE(found) << "wanted: " << file << " ... " << line << "\nsaid: " << run.err;
    static const std::string document = read_text_file(fs::path(GENU_SOURCE_DIR) / "docs/sources.md");
    EXPECT_NE(document.find(line), std::string::npos) << "docs/sources.md does not quote: " << line;
  }
  // The split is refused: both files named, nothing written.
  void expect_refused(const std::string& line) const {
    const ProgramRun run = shard();
    expect_line(run, 3, "9000001L.png", line);
    EXPECT_NE(run.err.find("9999999"), std::string::npos) << run.err;
    EXPECT_FALSE(packed());
  }
  // The file is left out and named, the rest goes on; --strict stops.
  void expect_left_out(const std::string& file, const std::string& line) const {
    expect_line(shard(), 0, file, line);
    EXPECT_TRUE(packed());
    expect_line(shard("--strict"), 3, file, line);
    expect_line(ingest("--mendeley " + films().string()), 0, file, line);
  }

  TemporaryFolder folder;
};

TEST_F(PlantedFault, SharedSubject) {
  fs::rename(films() / "train/2/9000001R.png", films() / "val/1/9000001R.png");
  expect_line(shard(), 3, "9000001L.png (train)", "is in two splits: ");
  EXPECT_FALSE(packed());
}

TEST_F(PlantedFault, ExactCopy) {
  fs::copy_file(victim(), intruder());
  expect_refused("the same image is in two splits: ");
}

TEST_F(PlantedFault, AlteredCopies) {
  using Alter = std::function<void(const cv::Mat&, cv::Mat&)>;
  const auto jpeg = [](int quality) {
    return [quality](const cv::Mat& from, cv::Mat& to) {
      std::vector<std::uint8_t> bytes;
      cv::imencode(".jpg", from, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
      to = cv::imdecode(bytes, cv::IMREAD_GRAYSCALE);
    };
  };
  const auto gamma = [](double exponent) {
    return [exponent](const cv::Mat& from, cv::Mat& to) {
      cv::Mat unit;
      from.convertTo(unit, CV_32F, 1 / 255.0);
      cv::pow(unit, exponent, unit);
      unit.convertTo(to, CV_8U, 255);
    };
  };
  const std::vector<std::pair<std::string, Alter>> alterations = {
      {"mirrored", [](const cv::Mat& from, cv::Mat& to) { cv::flip(from, to, 1); }},
      {"CLAHE",
       [](const cv::Mat& from, cv::Mat& to) {
         cv::createCLAHE(5, {8, 8})->apply(from, to);
       }},
      {"negative", [](const cv::Mat& from, cv::Mat& to) { cv::bitwise_not(from, to); }},
      {"gamma 0.6", gamma(0.6)},
      {"gamma 1.6", gamma(1.6)},
      {"JPEG quality 70", jpeg(70)},
      {"JPEG quality 30", jpeg(30)},
      {"enlarged", [](const cv::Mat& from, cv::Mat& to) {
         cv::resize(from, to, {160, 160}, 0, 0, cv::INTER_CUBIC);
       }}};
  for (const auto& [name, alter] : alterations) {
    SCOPED_TRACE(name);
    cv::Mat altered;
    alter(original(), altered);
    write(intruder(), altered);
    expect_refused("the same image, altered, is in two splits: ");
  }
}

TEST_F(PlantedFault, AutoTest) {
  write(films() / "auto_test/1/9000001L.png", original());
  expect_left_out("auto_test", ": repeats subjects of the test part in automatic crops; left out");
}

TEST_F(PlantedFault, GradeConflictBetweenTables) {
  const std::string other = (folder.path() / "other.csv").string();
  ASSERT_EQ(ingest("--quiet --mendeley " + films().string()).exit_code, 0);
  const std::string text = read_text_file(folder.path() / "listed.csv");
  const std::size_t at = text.find("films/train/1/9000001L.png,");
  ASSERT_NE(at, std::string::npos) << text;
  std::string row = text.substr(at, text.find('\n', at) - at + 1);
  const std::size_t grades = row.find(",train,1,1,");
  ASSERT_NE(grades, std::string::npos) << row;
  row.replace(grades, 11, ",train,3,3,");
  write_file_atomically(other, text.substr(0, text.find('\n') + 1) + row);
  const ProgramRun run = shard("--manifest " + other);
  expect_line(run, 3, "sample 9000001L", "is given twice with grades ");
  EXPECT_FALSE(packed());
}

TEST_F(PlantedFault, SwappedSide) {
  const auto csv =
      table("path,kl,subject,side\nfilms/train/1/9000001L.png,1,9000001,R\nfilms/train/0/9000000L.png,0,9000000,L\n");
  expect_line(ingest("--csv " + csv.string()), 0, "knees.csv:2",
              ": side is R, but the file is called 9000001L.png; correct one");
}

TEST_F(PlantedFault, TruncatedPng) {
  const std::string whole = read_text_file(victim());
  write_file_atomically(victim(), whole.substr(0, whole.size() / 2));
  expect_left_out("9000001L.png", ": damaged PNG (cut short); replace the file");
}

TEST_F(PlantedFault, EmptyFile) {
  write_file_atomically(victim(), "");
  expect_left_out("9000001L.png", ": empty file; replace it");
}

TEST_F(PlantedFault, TextFileNamedPng) {
  write_file_atomically(victim(), "no picture");
  expect_left_out("9000001L.png", ": not a PNG, JPEG, BMP, TIFF or DICOM image; replace it or correct its name");
}

// A file that cannot be read even by root.
TEST_F(PlantedFault, UnreadableFile) {
  fs::remove(victim());
  fs::create_symlink("/proc/self/mem", victim());
  expect_left_out("9000001L.png", ": cannot read: ");
}

TEST_F(PlantedFault, MissingFileBehindALink) {
  fs::remove(victim());
  fs::create_symlink(folder.path() / "gone.png", victim());
  expect_left_out("9000001L.png", ": cannot open: No such file or directory");
}

TEST_F(PlantedFault, LinksInACircle) {
  fs::remove(victim());
  fs::create_symlink(victim(), victim());
  expect_left_out("9000001L.png", ": cannot open: Too many levels of symbolic links");
  fs::create_directory_symlink("..", films() / "train/1/again");
  expect_left_out("again", ": not an image file (png, jpg, bmp, tif); remove it");
}

// Sixteen bits and three equal channels are no faults: the same pixels are packed.
TEST_F(PlantedFault, SixteenBitsAndGreyInThreeChannelsAreTheSamePicture) {
  ASSERT_EQ(shard().exit_code, 0);
  const std::string plain = read_text_file(folder.path() / "shards/shard-00000.h5").substr(0, 4096 + 16 * 96 * 96);
  const PngImage image = knee_like(2);
  PngImage deep = image;
  deep.bit_depth = 16;
  deep.bytes.clear();
  PngImage rgb = image;
  rgb.channels = 3;
  rgb.bytes.clear();
  for (const std::uint8_t grey : image.bytes) {
    deep.bytes.insert(deep.bytes.end(), 2, grey);  // x 257
    rgb.bytes.insert(rgb.bytes.end(), 3, grey);
  }
  for (const PngImage& same : {deep, rgb}) {
    write_png(victim(), same);
    const ProgramRun run = shard("--strict");
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(run.err.find("colour"), std::string::npos) << run.err;
    const std::string bytes = read_text_file(folder.path() / "shards/shard-00000.h5").substr(4096, 16 * 96 * 96);
    EXPECT_EQ(bytes, plain.substr(4096)) << same.channels;
  }
}

TEST_F(PlantedFault, ColourIsPackedAndNamed) {
  PngImage rgb = knee_like(2);
  const auto grey = std::exchange(rgb.bytes, {});
  rgb.channels = 3;
  for (std::size_t i = 0; i < grey.size(); ++i) {
    rgb.bytes.insert(rgb.bytes.end(), {i % 50 == 0 ? std::uint8_t{255} : grey[i], grey[i], grey[i]});
  }
  write_png(victim(), rgb);
  expect_line(shard("--strict"), 0, "9000001L.png",
              ": carries colour and was made grey; look at it, a heat map or marks may be drawn in");
  ASSERT_EQ(ingest("--quiet --mendeley " + films().string()).exit_code, 0);
  EXPECT_NE(read_text_file(folder.path() / "listed.csv").find("coloured"), std::string::npos);
}

TEST_F(PlantedFault, TableWithByteOrderMark) {
  const auto csv = table("\xEF\xBB\xBFpath,kl,subject\nfilms/train/1/9000001L.png,1,9000001\n");
  const ProgramRun run = ingest("--strict --csv " + csv.string());
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST_F(PlantedFault, UnknownColumn) {
  const auto csv = table("path,kl,subject,age\nfilms/train/1/9000001L.png,1,9000001,60\n");
  expect_line(ingest("--csv " + csv.string()), 3, "knees.csv", ": unknown column 'age'; ");
}

TEST_F(PlantedFault, MissingRows) {
  const auto csv = table("path,kl,subject\ntrain/1/9000001L.png,1,9000001\ntrain/1/9000077L.png,1,9000077\n");
  const ProgramRun run = ingest("--csv " + csv.string() + " --images " + films().string());
  expect_line(run, 0, "9000077L.png", ": cannot open: No such file or directory");
  expect_line(run, 0, "train/0/9000000L.png", " are in no usable row, the first: ");
}

}  // namespace
}  // namespace genu
