// Reading tables, finding knees, and both together.
#include "pipeline/source/films.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "core/errors.h"
#include "core/files.h"
#include "core/random.h"
#include "pipeline/decode/dicom.h"
#include "pipeline/locate/locate_knees.h"
#include "pipeline/source/reading_table.h"
#include "pipeline/split/split_rules.h"
#include "tests/pipeline/test_dicom.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

namespace fs = std::filesystem;

bool mentions(const std::vector<SkippedInput>& skipped, const std::string& text) {
  return std::any_of(skipped.begin(), skipped.end(),
                     [&](const SkippedInput& one) { return one.message.find(text) != std::string::npos; });
}

class Readings : public ::testing::Test {
 protected:
  ReadingTable read(const std::string& text, const ReadingConfig& config = {}) {
    write_file_atomically(folder.path() / "kxr.txt", text);
    faults = {};
    return ReadingTable::read({folder.path() / "kxr.txt"}, config, FaultPolicy::kSkip, faults);
  }
  TemporaryFolder folder;
  SourceListing faults;
};

TEST_F(Readings, ReadsTheStudysTable) {
  const auto table = read(
      "ID|SIDE|READPRJ|VERSION|V00XRKL|V00XRJSM|V00XRJSL|V00XROSFM\r\n"
      "9000099|1|15|0.6|3|2|0|1.5\r\n"
      "9000099|2: Left|15|0.6|0: none|.|.: Missing Form/Incomplete Workbook|\r\n"
      "9000296|1|15|0.6|.|1|1|1\r\n"
      "9000622|1|15|0.6|.: Missing Form/Incomplete Workbook|1|1|1\r\n");
  EXPECT_TRUE(faults.skipped.empty());
  EXPECT_EQ(table.readings().size(), 2u);
  const KneeReading* right = table.find("9000099", KneeSide::kRight);
  ASSERT_NE(right, nullptr);
  EXPECT_EQ(right->kl, KlGrade(3));
  EXPECT_EQ(right->oarsi[0], 2.0);
  EXPECT_EQ(right->oarsi[2], 1.5);
  EXPECT_EQ(right->reads, "15=3");
  EXPECT_EQ(right->label_rule, "project 15");
  const KneeReading* left = table.find("9000099", KneeSide::kLeft);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->kl, KlGrade(0));
  EXPECT_FALSE(left->oarsi[0].has_value());
  EXPECT_EQ(table.find("9000296", KneeSide::kRight), nullptr);
  EXPECT_FALSE(table.has_subject("9000622"));
}

TEST_F(Readings, ProjectsComeBeforeTheMedianOfTheOthers) {
  const std::string rows =
      "id,side,readprj,v00xrkl\n"
      "1,1,42,2\n1,1,15,3\n1,1,37,1\n"
      "2,2,60,4\n2,2,61,1\n2,2,62,2\n2,2,63,3\n";
  auto table = read(rows);
  const KneeReading* listed = table.find("1", KneeSide::kRight);
  ASSERT_NE(listed, nullptr);
  EXPECT_EQ(listed->kl, KlGrade(3));
  EXPECT_EQ(listed->kl_read, KlGrade(1));
  EXPECT_EQ(listed->reads, "15=3;37=1;42=2");
  const KneeReading* others = table.find("2", KneeSide::kLeft);
  ASSERT_NE(others, nullptr);
  EXPECT_EQ(others->kl, KlGrade(2));
  EXPECT_EQ(others->label_rule, "lower median of 4");
  EXPECT_EQ(faults.notes.size(), 1u);
  table = read(rows, {"", {42}});
  EXPECT_EQ(table.find("1", KneeSide::kRight)->kl, KlGrade(2));
}

TEST_F(Readings, VisitsAreChosenByPrefix) {
  const std::string text = "ID\tSIDE\tV00XRKL\tV01XRKL\n1\t1\t0\t2\n";
  EXPECT_THROW(read(text), DataError);
  EXPECT_EQ(read(text, {"v01", {15}}).find("1", KneeSide::kRight)->kl, KlGrade(2));
  EXPECT_THROW(read(text, {"V03", {15}}), DataError);
  EXPECT_THROW(read("ID|SIDE|KL\n1|1|2\n"), DataError);
  EXPECT_THROW(read("SIDE|V00XRKL\n1|2\n"), DataError);
}

TEST_F(Readings, FaultsAndContradictionsAreNamedByLine) {
  const auto table = read(
      "ID|SIDE|READPRJ|V00XRKL\n"
      "1|1|15|7\n"
      "2|3|15|1\n"
      "3|1|x|1\n"
      "|1|15|1\n"
      "4|1|15|1\n"
      "4|1|15|2\n"
      "5|1|15|1\n"
      "5|1|15|1\n");
  EXPECT_EQ(table.readings().size(), 1u);
  EXPECT_EQ(faults.skipped.size(), 5u);
  for (const char* fault : {"kxr.txt:2: grade is '7'", "kxr.txt:3: SIDE is '3'", "kxr.txt:4: READPRJ is 'x'",
                            "kxr.txt:5: no ID", "kxr.txt:7: knee 4 R has grade 2 here and 1 at"}) {
    EXPECT_TRUE(mentions(faults.skipped, fault)) << fault;
  }
}

TEST_F(Readings, TwoTablesThatContradictEachOther) {
  write_file_atomically(folder.path() / "a.txt", "ID|SIDE|READPRJ|V00XRKL\n1|1|15|1\n2|1|15|2\n");
  write_file_atomically(folder.path() / "b.csv", "ID,SIDE,READPRJ,V00XRKL\n1,1,15,3\n3,1,15,2\n");
  const auto table =
      ReadingTable::read({folder.path() / "a.txt", folder.path() / "b.csv"}, {}, FaultPolicy::kSkip, faults);
  EXPECT_TRUE(mentions(faults.skipped, "b.csv:2: knee 1 R has grade 3 here and 1 at"));
  EXPECT_EQ(table.find("1", KneeSide::kRight), nullptr);
  EXPECT_EQ(table.readings().size(), 2u);
}

// The mean synthetic knee as a picture of side_px pixels, medial left.
cv::Mat mean_knee(int side_px) {
  static const std::array<float, 32 * 32> kMean = {
#include "pipeline/locate/knee_template.inc"
  };
  cv::Mat small(32, 32, CV_32F);
  std::copy(kMean.begin(), kMean.end(), small.begin<float>());
  cv::Mat knee;
  cv::resize(small, knee, {side_px, side_px}, 0, 0, cv::INTER_CUBIC);
  return knee;
}

struct PlacedKnee {
  int left_px, top_px, side_px;
};

// 12-bit film of 1075 x 900 px (0.4 mm a pixel), noise and two mean knees.
TestDicom bilateral_film(const PlacedKnee& in_left_half, const PlacedKnee& in_right_half) {
  TestDicom film;
  film.rows = 900;
  film.columns = 1075;
  cv::Mat picture(film.rows, film.columns, CV_32F, cv::Scalar(1500));
  RandomStream random(3, 0, "test.film");
  for (float& value : cv::Mat_<float>(picture)) value += static_cast<float>(random.normal(0, 20));
  const auto paste = [&](const PlacedKnee& at, bool medial_right) {
    if (at.side_px == 0) return;
    cv::Mat knee = mean_knee(at.side_px);
    if (medial_right) cv::flip(knee, knee, 1);
    picture(cv::Rect(at.left_px, at.top_px, at.side_px, at.side_px)) += 4 * knee;
  };
  paste(in_left_half, true);
  paste(in_right_half, false);
  for (const float value : cv::Mat_<float>(picture)) {
    film.stored.push_back(static_cast<std::uint16_t>(std::clamp(value, 0.0f, 4095.0f)));
  }
  film.texts = {{0x00181164, {"DS", "0.4\\0.4"}}, {0x00100020, {"LO", "9000099"}}};
  return film;
}

constexpr PlacedKnee kLeftHalf{120, 300, 230};
constexpr PlacedKnee kRightHalf{700, 340, 230};

void expect_near(const KneePlace& found, const PlacedKnee& wanted) {
  EXPECT_NEAR(found.side_px, wanted.side_px, 0.06 * wanted.side_px);
  EXPECT_NEAR(found.joint_column_px, wanted.left_px + 0.5 * wanted.side_px, 0.03 * wanted.side_px);
  EXPECT_NEAR(found.joint_row_px, wanted.top_px + 0.59 * wanted.side_px, 0.03 * wanted.side_px);
  EXPECT_NEAR(found.femur_width_px * 1.15, found.side_px, 1e-9);
  EXPECT_NEAR(found.top_px + 0.592 * found.side_px, found.joint_row_px, 1e-9);
}

TEST(LocateKnees, FindsBothMeanKneesWhereTheyWerePut) {
  const auto film = decode_dicom(encode_dicom(bilateral_film(kLeftHalf, kRightHalf)), "film").image;
  const FilmKnees knees = locate_knees(film, 0.4);
  ASSERT_TRUE(knees.picture_left && knees.picture_right);
  expect_near(*knees.picture_left, kLeftHalf);
  expect_near(*knees.picture_right, kRightHalf);
  EXPECT_GT(knees.picture_left->correlation, 0.6);
}

TEST(LocateKnees, SaysWhereThereIsNone) {
  const auto film = decode_dicom(encode_dicom(bilateral_film(kLeftHalf, {})), "film").image;
  const FilmKnees knees = locate_knees(film, 0.4);
  EXPECT_TRUE(knees.picture_left.has_value());
  EXPECT_FALSE(knees.picture_right.has_value());
}

TEST(LocateKnees, AFilmOfOneKneeAndACrop) {
  const auto film = decode_dicom(encode_dicom(bilateral_film({}, kRightHalf)), "film").image;
  const auto one = locate_knee(film, KneeSide::kLeft, 0.4);
  ASSERT_TRUE(one.has_value());
  expect_near(*one, kRightHalf);
  DecodedImage crop{224, 224, 8, {}};
  for (const float value : cv::Mat_<float>(mean_knee(224))) {
    crop.bytes.push_back(static_cast<std::uint8_t>(std::clamp(128 + 0.5f * value, 0.0f, 255.0f)));
  }
  const auto place = locate_in_crop(crop, KneeSide::kLeft);
  ASSERT_TRUE(place.has_value());
  expect_near(*place, {0, 0, 224});
}

class Films : public ::testing::Test {
 protected:
  Films() {
    write_file_atomically(table(),
                          "ID|SIDE|READPRJ|V00XRKL\n9000099|1|15|3\n9000099|2|15|1\n9000296|1|15|2\n9000622|2|15|0\n");
  }
  fs::path table() const { return folder.path() / "kxr.txt"; }
  fs::path films() const { return folder.path() / "films"; }
  void add(const std::string& name, TestDicom film, const std::string& id) {
    film.texts.back() = {0x00100020, {"LO", id}};
    film.texts.push_back({0x00100010, {"PN", "DOE^JANE"}});
    film.texts.push_back({0x00100030, {"DA", "19400229"}});
    write_dicom(films() / name, film);
  }
  SourceListing list(FaultPolicy policy = FaultPolicy::kSkip) { return list_films(config(), policy); }
  FilmsConfig config() const { return {.folder = films(), .readings = {table()}}; }
  TemporaryFolder folder;
};

TEST_F(Films, BecomeTwoSamplesWithBoxSideAndGrade) {
  add("a/film.dcm", bilateral_film(kLeftHalf, kRightHalf), "9000099");
  const auto listing = list(FaultPolicy::kStop);
  ASSERT_EQ(listing.samples.size(), 2u);
  const SourceSample& right = listing.samples[0];
  EXPECT_EQ(right.id, "9000099R");
  EXPECT_EQ(right.side, KneeSide::kRight);
  EXPECT_EQ(right.kl, KlGrade(3));
  EXPECT_EQ(right.source, Source::kOai);
  ASSERT_TRUE(right.box.has_value());
  EXPECT_NEAR(right.box->left_px, kLeftHalf.left_px, 12);
  EXPECT_EQ(right.spacing, (PixelSpacing{0.4, SpacingKind::kDetector}));
  EXPECT_EQ(listing.samples[1].side, KneeSide::kLeft);
  EXPECT_EQ(listing.samples[1].kl, KlGrade(1));
  ASSERT_EQ(listing.notes.size(), 1u);
  EXPECT_NE(listing.notes[0].find("2 knees with a grade have no film"), std::string::npos) << listing.notes[0];
}

TEST_F(Films, ThePatientsOrientationDecidesTheSides) {
  TestDicom film = bilateral_film(kLeftHalf, kRightHalf);
  film.texts.insert(film.texts.begin(), {0x00200020, {"CS", "R\\F"}});
  add("film.dcm", film, "9000099");
  const auto listing = list(FaultPolicy::kStop);
  ASSERT_EQ(listing.samples.size(), 2u);
  EXPECT_EQ(listing.samples[0].side, KneeSide::kLeft);
  EXPECT_EQ(listing.samples[0].kl, KlGrade(1));
  EXPECT_NEAR(listing.samples[0].box->left_px, kLeftHalf.left_px, 12);
}

TEST_F(Films, FaultsAreOneLineEachAndNothingOfThePatientLeaves) {
  add("1_good.dcm", bilateral_film(kLeftHalf, kRightHalf), "9000099");
  add("2_again.dcm", bilateral_film(kLeftHalf, kRightHalf), "9000099");
  add("3_stranger.dcm", bilateral_film(kLeftHalf, kRightHalf), "7777777");
  add("4_half.dcm", bilateral_film({}, kRightHalf), "9000296");
  TestDicom hand = bilateral_film(kLeftHalf, kRightHalf);
  hand.texts.insert(hand.texts.begin(), {0x00180015, {"CS", "HAND"}});
  add("5_hand.dcm", hand, "9000099");
  TestDicom bare = bilateral_film(kLeftHalf, kRightHalf);
  bare.stored.clear();
  add("6_bare.dcm", bare, "9000099");
  write_file_atomically(films() / "7_text.dcm", "not a film");
  write_file_atomically(films() / "8_empty.dcm", "");
  fs::create_directory_symlink(films(), films() / "9_loop");
  fs::create_symlink("nowhere", films() / "9_nowhere.dcm");
  const auto listing = list();
  EXPECT_EQ(listing.samples.size(), 2u);
  for (const char* fault : {"2_again.dcm: the right knee is on", "2_again.dcm: the left knee is on",
                            "3_stranger.dcm: its patient ID is not in", "4_half.dcm: no right knee was found",
                            "4_half.dcm: the left knee has no grade in", "5_hand.dcm: the film shows",
                            "6_bare.dcm: DICOM without pixels", "7_text.dcm: not a", "8_empty.dcm: empty file",
                            "9_loop: a link that leads back", "9_nowhere.dcm: a link that leads nowhere"}) {
    EXPECT_TRUE(mentions(listing.skipped, fault)) << fault;
  }
  EXPECT_EQ(listing.skipped.size(), 11u);
  for (const auto& skipped : listing.skipped) {
    for (const char* secret : {"DOE", "JANE", "1940", "7777777", "9000296"}) {
      EXPECT_EQ(skipped.message.find(secret), std::string::npos) << skipped.message;
    }
  }
  EXPECT_THROW(list(FaultPolicy::kStop), DataError);
}

TEST_F(Films, HashedSubjectsDependOnTheSalt) {
  add("film.dcm", bilateral_film(kLeftHalf, kRightHalf), "9000099");
  FilmsConfig hashed = config();
  hashed.subject_ids = SubjectIds::kHashed;
  hashed.salt = "a";
  const auto first = list_films(hashed, FaultPolicy::kStop).samples[0];
  hashed.salt = "b";
  EXPECT_EQ(first.subject.size(), kHashedSubject.size() + 16u);
  EXPECT_EQ(first.id.find("9000099"), std::string::npos);
  EXPECT_NE(list_films(hashed, FaultPolicy::kStop).samples[0].subject, first.subject);

  // The same person under the plain name, in another split, is not known again: that is refused, in one split it does
  // no harm.
  SourceSample plain = first;
  plain.subject = "9000099";
  plain.id = "9000099L";
  plain.source = Source::kMendeley;
  EXPECT_NO_THROW(check_splits(std::vector{first, plain}));
  plain.split = Split::kVal;
  EXPECT_THROW(check_splits(std::vector{first, plain}), DataError);
  plain.source = Source::kSynthetic;  // no person
  plain.split = Split::kTest;
  EXPECT_NO_THROW(check_splits(std::vector{first, plain}));
}

}  // namespace
}  // namespace genu::pipeline
