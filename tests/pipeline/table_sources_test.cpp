// CSV tables and two experts' folders.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/decode/crop.h"
#include "pipeline/source/csv_source.h"
#include "pipeline/source/experts.h"
#include "pipeline/source/manifest.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

namespace fs = std::filesystem;

bool mentions(const std::vector<SkippedInput>& skipped, const std::string& text) {
  for (const auto& one : skipped) {
    if (one.message.find(text) != std::string::npos) return true;
  }
  return false;
}

template <class F>
std::string data_error(F&& f) {
  try {
    f();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no DataError";
}

class CsvSource : public ::testing::Test {
 protected:
  SourceListing list(const std::string& text, const std::string& columns = "",
                     ExtraColumns extra = ExtraColumns::kRefuse, FaultPolicy policy = FaultPolicy::kSkip) {
    write_file_atomically(file(), text);
    return list_csv({file(), "", parse_csv_columns(columns, extra), Source::kOther, Split::kTrain}, policy);
  }
  fs::path file() const { return folder.path() / "knees.csv"; }
  TemporaryFolder folder;
};

TEST_F(CsvSource, ByteOrderMarkCrlfQuotesAndUsualNames) {
  const auto listing = list(
      "\xEF\xBB\xBFImage,KL_Grade,Patient_ID,Laterality,Split\r\n"
      "\"a, \"\"b\"\".png\",KL2,p1,left,val\r\n"
      "c.png,2.0,p2,R,\r\n"
      "d.png,severe,p3,1,TEST\r\n");
  ASSERT_EQ(listing.samples.size(), 3u);
  EXPECT_EQ(fs::path(listing.samples[0].path), folder.path() / "a, \"b\".png");
  EXPECT_EQ(listing.samples[0].kl, KlGrade(2));
  EXPECT_EQ(listing.samples[0].subject, "p1");
  EXPECT_EQ(listing.samples[0].side, KneeSide::kLeft);
  EXPECT_EQ(listing.samples[0].split, Split::kVal);
  EXPECT_EQ(listing.samples[0].source, Source::kOther);
  EXPECT_EQ(listing.samples[1].kl, KlGrade(2));
  EXPECT_EQ(listing.samples[1].split, Split::kTrain);
  EXPECT_EQ(listing.samples[2].kl, KlGrade(4));
  EXPECT_EQ(listing.samples[2].side, KneeSide::kRight);
  EXPECT_TRUE(listing.skipped.empty() && listing.notes.empty());
}

TEST_F(CsvSource, SemicolonsTabsAndNamedColumns) {
  const auto semicolon = list("bild;KLG;wer;knie\na.png;1;p1;R\n", "path=bild,kl=KLG,subject=wer,side=knie");
  ASSERT_EQ(semicolon.samples.size(), 1u);
  EXPECT_EQ(semicolon.samples[0].subject, "p1");
  EXPECT_EQ(list("path\tkl\tsubject\tage\na.png\t1\tp1\t60\n", "", ExtraColumns::kIgnore).samples.size(), 1u);
}

TEST_F(CsvSource, UnknownAndMissingColumnsAreNamed) {
  EXPECT_NE(data_error([&] { list("path,kl,subject,age\na.png,1,p,60\n"); }).find("unknown column 'age'"),
            std::string::npos);
  EXPECT_NE(data_error([&] { list("path,subject\na.png,p\n"); }).find("no column for the grade"), std::string::npos);
  EXPECT_NE(data_error([&] { list("path,kl\na.png,1\n", "side=knee"); }).find("no column 'knee'"), std::string::npos);
  EXPECT_THROW(parse_csv_columns("colour=red", ExtraColumns::kRefuse), UsageError);
  EXPECT_THROW(parse_csv_columns("kl=", ExtraColumns::kRefuse), UsageError);
}

TEST_F(CsvSource, BadRowsAreNamedAndTheRestGoesOn) {
  const std::string text =
      "path,kl,subject,side,split\n"
      "a.png,7,p1,L,train\n"
      ",1,p1,L,train\n"
      "b.png,.,p1,L,train\n"
      "c.png,1,p1,both,train\n"
      "d.png,1,,L,train\n"
      "e.png,1,p1,L,dev\n"
      "9001400L.png,1,9001400,R,train\n"
      "9001400R.png,1,9001401,R,train\n"
      "good.png,1,p1,L,train\n";
  const auto listing = list(text);
  EXPECT_EQ(listing.samples.size(), 1u);
  EXPECT_EQ(listing.skipped.size(), 8u);
  for (const char* fault : {"knees.csv:2: kl is '7'", "knees.csv:3: no path", "knees.csv:4: kl is '.'",
                            "knees.csv:5: side is 'both'", "knees.csv:6: no subject", "knees.csv:7: split is 'dev'",
                            "knees.csv:8: side is R, but the file is called 9001400L.png",
                            "knees.csv:9: subject is 9001401, but the file is called 9001400R.png"}) {
    EXPECT_TRUE(mentions(listing.skipped, fault)) << fault;
  }
  EXPECT_THROW(list(text, "", ExtraColumns::kRefuse, FaultPolicy::kStop), DataError);
}

TEST_F(CsvSource, BlanksAroundASubjectMakeNoOther) {
  const auto listing = list("path,kl,subject\na.png,1,P01\nb.png,1,P01 \nc.png,1, \n");
  ASSERT_EQ(listing.samples.size(), 2u);
  EXPECT_EQ(listing.samples[1].subject, "P01");
  EXPECT_TRUE(mentions(listing.skipped, "knees.csv:4: no subject"));
}

TEST_F(CsvSource, WithoutSubjectsANoteSaysWhatCannotBeProven) {
  const auto listing = list("path,kl\na.png,1\n9001400L.png,2\n");
  ASSERT_EQ(listing.samples.size(), 2u);
  EXPECT_EQ(listing.samples[0].subject, "a.png");
  EXPECT_EQ(listing.samples[1].subject, "9001400");
  ASSERT_EQ(listing.notes.size(), 1u);
  EXPECT_NE(listing.notes[0].find("no subject column"), std::string::npos);
}

class Experts : public ::testing::Test {
 protected:
  // Expert 1 / expert 2: a 2/2, b 1/3, c 4/0 (renamed), d by 1 only, e by 2 only.
  Experts() {
    picture("one/2Mild/MildG2 (1).png", 1);
    picture("two/2Mild/MildG2 (1).png", 1);
    picture("one/1Doubtful/DoubtfulG1 (1).png", 2);
    picture("two/3Moderate/ModerateG3 (1).png", 2);
    picture("one/4Severe/SevereG4 (1).png", 3);
    picture("two/0Normal/NormalG0 (1).png", 3);
    picture("one/0Normal/NormalG0 (1).png", 4);  // the name of another picture of expert 2
    picture("two/1Doubtful/DoubtfulG1 (1).png", 5);
  }
  void picture(const std::string& name, std::uint64_t seed) { write_png(folder.path() / name, knee_like(seed, 32)); }
  SourceListing list(ExpertRule rule, FaultPolicy policy = FaultPolicy::kSkip) const {
    return list_experts({.first = folder.path() / "one", .second = folder.path() / "two", .rule = rule}, policy);
  }
  // kl and kl_read by the seed that made the picture.
  std::pair<int, int> grades(const SourceListing& listing, std::uint64_t seed) const {
    const auto png = encode_png(knee_like(seed, 32));
    for (const auto& s : listing.samples) {
      if (read_file(s.path) == png) return {s.kl.value(), s.kl_read.value()};
    }
    return {-1, -1};
  }
  TemporaryFolder folder;
};

TEST_F(Experts, AreMatchedByTheirBytesAndBothGradesAreKept) {
  using Pair = std::pair<int, int>;
  const auto first = list(ExpertRule::kFirst);
  ASSERT_EQ(first.samples.size(), 3u);
  EXPECT_EQ(grades(first, 1), Pair(2, 2));
  EXPECT_EQ(grades(first, 2), Pair(1, 3));
  EXPECT_EQ(grades(first, 3), Pair(4, 0));
  EXPECT_EQ(grades(list(ExpertRule::kSecond), 3), Pair(0, 4));
  EXPECT_EQ(grades(list(ExpertRule::kLower), 3), Pair(0, 4));
  EXPECT_EQ(grades(list(ExpertRule::kHigher), 2), Pair(3, 1));
  const auto agreed = list(ExpertRule::kAgreed);
  EXPECT_EQ(agreed.samples.size(), 1u);
  EXPECT_EQ(grades(agreed, 1), Pair(2, 2));
  EXPECT_TRUE(mentions(agreed.skipped, "expert 1 says 4, expert 2 says 0"));
  for (const auto& s : first.samples) {
    if (s.kl == KlGrade(1)) {
      EXPECT_EQ(s.reads, "expert_1=1;expert_2=3");
    }
    EXPECT_EQ(s.label_rule, "expert_1");
  }
}

TEST_F(Experts, WhatOneExpertAloneGradedIsNamed) {
  const auto listing = list(ExpertRule::kFirst);
  EXPECT_EQ(listing.skipped.size(), 2u);
  EXPECT_TRUE(mentions(listing.skipped, "one/0Normal/NormalG0 (1).png: graded by expert 1 only"));
  EXPECT_TRUE(mentions(listing.skipped, "two/1Doubtful/DoubtfulG1 (1).png: graded by expert 2 only"));
  EXPECT_THROW(list(ExpertRule::kFirst, FaultPolicy::kStop), DataError);
}

TEST_F(Experts, AnExpertWhoContradictsHimselfIsNamed) {
  picture("two/4Severe/again.png", 1);
  const auto listing = list(ExpertRule::kFirst);
  EXPECT_TRUE(mentions(listing.skipped, "again.png: the same picture as"));
  EXPECT_EQ(grades(listing, 1).first, -1);
}

TEST_F(Experts, TwoTables) {
  write_file_atomically(folder.path() / "1.csv", "path,kl,subject\none/2Mild/MildG2 (1).png,2,p\n");
  write_file_atomically(folder.path() / "2.csv", "path,kl,subject\none/2Mild/MildG2 (1).png,3,p\n");
  const auto listing =
      list_experts({.first = folder.path() / "1.csv", .second = folder.path() / "2.csv"}, FaultPolicy::kStop);
  ASSERT_EQ(listing.samples.size(), 1u);
  EXPECT_EQ(listing.samples[0].subject, "p");
  EXPECT_EQ(listing.samples[0].kl_read, KlGrade(3));
}

TEST(MendeleyCopies, GradeFoldersWithAndWithoutSplitsAndWrapping) {
  const TemporaryFolder folder;
  write_png(folder.path() / "with/archive/Training/2Mild/9001400L.PNG", knee_like(1, 32));
  write_png(folder.path() / "with/archive/VALID/KL3/9001401_1.png", knee_like(2, 32));
  const auto with = list_mendeley(folder.path() / "with", FaultPolicy::kStop);
  ASSERT_EQ(with.samples.size(), 2u);
  EXPECT_EQ(with.samples[0].split, Split::kTrain);
  EXPECT_EQ(with.samples[0].kl, KlGrade(2));
  EXPECT_EQ(with.samples[1].split, Split::kVal);
  EXPECT_EQ(with.samples[1].side, KneeSide::kRight);
  EXPECT_TRUE(with.notes.empty());

  write_png(folder.path() / "without/Grade0/9001400L.png", knee_like(1, 32));
  write_png(folder.path() / "without/auto_test/0/9001400L.png", knee_like(1, 32));
  const auto without = list_mendeley(folder.path() / "without", FaultPolicy::kSkip);
  EXPECT_EQ(without.samples.size(), 1u);
  EXPECT_EQ(without.notes.size(), 1u);
  EXPECT_TRUE(mentions(without.skipped, "auto_test: repeats subjects of the test part"));
}

TEST(Manifest, KeepsBoxSpacingReadsAndOarsiGrades) {
  const TemporaryFolder folder;
  SourceSample sample;
  sample.path = folder.path() / "film.dcm";
  sample.id = "9000099R";
  sample.subject = "9000099";
  sample.source = Source::kOai;
  sample.side = KneeSide::kRight;
  sample.box = PixelBox{-3, 400, 700, 700};
  sample.spacing = PixelSpacing{0.194, SpacingKind::kMagnified};
  sample.reads = "15=2;37=3";
  sample.label_rule = "project";
  sample.oarsi[1] = 1.5;
  SourceSample plain = sample;
  plain.id = "x";
  plain.box.reset();
  plain.spacing.reset();
  plain.reads = plain.label_rule = "";
  plain.oarsi = {};
  const std::vector<SourceSample> samples = {sample, plain};
  const auto path = folder.path() / "m.csv";
  write_file_atomically(path, manifest_csv(samples, {{"polarity"}, {{"0.5"}, {"-0.7"}}}));
  EXPECT_NE(read_text_file(path).find("quality_polarity"), std::string::npos);
  EXPECT_EQ(read_manifest(path, FaultPolicy::kStop).samples, samples);
  write_file_atomically(path,
                        "path,kl,box_left_px,box_top_px,box_width_px,box_height_px\na,1,0,0,0,5\nb,1,0,1.5,4,5\n");
  EXPECT_EQ(read_manifest(path, FaultPolicy::kSkip).skipped.size(), 2u);
}

// The whole film in place of a box that lost a number would show another knee.
TEST(Manifest, HalfABoxIsAFault) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "m.csv";
  write_file_atomically(path,
                        "path,kl,box_left_px,box_top_px,box_width_px,box_height_px\n"
                        "a,1,1,2,3,4\nb,1,,,,\nc,1,1,2,,4\nd,1,1,,,\ne,1,1,2,3,\n");
  const auto listing = read_manifest(path, FaultPolicy::kSkip);
  ASSERT_EQ(listing.samples.size(), 2u);
  EXPECT_EQ(listing.samples[0].box, (PixelBox{1, 2, 3, 4}));
  EXPECT_FALSE(listing.samples[1].box.has_value());
  EXPECT_EQ(listing.skipped.size(), 3u);
  EXPECT_TRUE(mentions(listing.skipped, "m.csv:4: 'box_width_px' is empty; fill it in"));
}

TEST(Crop, ABoxFarLargerThanThePictureIsRefused) {
  const DecodedImage image{3, 2, 8, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(crop(image, {0, 0, 6, 4}).bytes.size(), 24u);
  EXPECT_NE(data_error([&] {
              crop(image, {0, 0, 5, 5});
            }).find("covers more than 4 times the picture of 3 x 2 px"),
            std::string::npos);
  EXPECT_NE(data_error([&] { crop(image, {0, 0, 1 << 20, 1 << 20}); }).find("more than 4 times"), std::string::npos);
}

TEST(Crop, CutsAndFillsWithBlack) {
  const DecodedImage image{3, 2, 8, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(crop(image, {1, 0, 2, 2}).bytes, (std::vector<std::uint8_t>{2, 3, 5, 6}));
  EXPECT_EQ(crop(image, {-1, 1, 2, 2}).bytes, (std::vector<std::uint8_t>{0, 4, 0, 0}));
  EXPECT_THROW(crop(image, {3, 0, 2, 2}), DataError);
  const DecodedImage deep{2, 1, 16, {1, 2, 3, 4}};
  EXPECT_EQ(crop(deep, {1, 0, 1, 1}).bytes, (std::vector<std::uint8_t>{3, 4}));
}

}  // namespace
}  // namespace genu::pipeline
