#include <gtest/gtest.h>

#include <filesystem>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/source/manifest.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

namespace fs = std::filesystem;

bool mentions(const SourceListing& listing, const std::string& text) {
  for (const auto& skipped : listing.skipped) {
    if (skipped.message.find(text) != std::string::npos) return true;
  }
  return false;
}

TEST(Mendeley, ReadsSplitGradeSubjectAndSideFromThePath) {
  const TemporaryFolder folder;
  write_png(folder.path() / "val/3/9001400R.png", knee_like(1, 32));
  write_png(folder.path() / "train/0/9001401L.png", knee_like(2, 32));
  const auto listing = list_mendeley(folder.path(), FaultPolicy::kStop);
  ASSERT_EQ(listing.samples.size(), 2u);
  EXPECT_EQ(listing.samples[0].id, "9001401L");
  const SourceSample& s = listing.samples[1];
  EXPECT_EQ(s.subject, "9001400");
  EXPECT_EQ(s.side, KneeSide::kRight);
  EXPECT_EQ(s.kl, KlGrade(3));
  EXPECT_EQ(s.split, Split::kVal);
  EXPECT_EQ(s.source, Source::kMendeley);
}

TEST(Mendeley, FaultsAreListedOrStop) {
  const TemporaryFolder folder;
  write_mendeley_folder(folder.path(), 2, 32);
  const auto add = [&](const std::string& name) {
    make_folders((folder.path() / name).parent_path());
    write_file_atomically(folder.path() / name, "x");
  };
  add("auto_test/0/9000000L.png");
  add("train/5/9000010L.png");
  add("train/0/900001L.png");
  add("train/0/90000010M.png");
  add("train/0/9000010L.txt");
  add("notes.txt");
  fs::create_directory_symlink(folder.path() / "train/loop", folder.path() / "train/loop");
  const auto listing = list_mendeley(folder.path(), FaultPolicy::kSkip);
  EXPECT_EQ(listing.samples.size(), 8u);
  EXPECT_EQ(listing.skipped.size(), 7u);
  for (const char* name :
       {"auto_test", "train/5", "900001L.png", "90000010M.png", "9000010L.txt", "notes.txt", "loop"}) {
    EXPECT_TRUE(mentions(listing, name)) << name;
  }
  EXPECT_THROW(list_mendeley(folder.path(), FaultPolicy::kStop), DataError);
}

TEST(Mendeley, AWrongFolderIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THROW(list_mendeley(folder.path() / "none", FaultPolicy::kSkip), IoError);
  make_folders(folder.path() / "notes");
  EXPECT_THROW(list_mendeley(folder.path(), FaultPolicy::kSkip), DataError);
}

TEST(Manifest, ComesBackAsWritten) {
  const TemporaryFolder folder;
  write_mendeley_folder(folder.path() / "set, with \"comma\"", 2, 32);
  auto samples = list_mendeley(folder.path() / "set, with \"comma\"", FaultPolicy::kStop).samples;
  samples[0].sha256 = sha256_file(samples[0].path);
  samples[1].side.reset();
  samples[2].kl_read = KlGrade(4);
  write_file_atomically(folder.path() / "m.csv", manifest_csv(samples));
  EXPECT_EQ(read_manifest(folder.path() / "m.csv", FaultPolicy::kStop).samples, samples);
}

TEST(Manifest, FaultsNameTheLine) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "m.csv";
  write_file_atomically(path, "path,kl,split,sha256\na.png,2,train,\nb.png,7,train,\nc.png,1,dev,\nd.png,1,val,12\n");
  const auto listing = read_manifest(path, FaultPolicy::kSkip);
  ASSERT_EQ(listing.samples.size(), 1u);
  EXPECT_EQ(fs::path(listing.samples[0].path), folder.path() / "a.png");
  EXPECT_TRUE(mentions(listing, "m.csv:3: kl is '7'"));
  EXPECT_TRUE(mentions(listing, "m.csv:4: split is 'dev'"));
  EXPECT_TRUE(mentions(listing, "m.csv:5: sha256"));
  EXPECT_THROW(read_manifest(path, FaultPolicy::kStop), DataError);
  write_file_atomically(path, "path,kl,colour\na.png,2,red\n");
  EXPECT_THROW(read_manifest(path, FaultPolicy::kSkip), DataError);
}

// Both knees of a person must never come into two splits because a table forgot to say whose they are.
TEST(Manifest, WithoutASubjectColumnTheFilesNameSaysWhoseKneeItIs) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "m.csv";
  write_file_atomically(path, "path,kl,side\na/9001400L.png,2,\na/9001400R.png,1,R\n9001401L.png,1,R\nknee.png,0,L\n");
  const auto listing = read_manifest(path, FaultPolicy::kSkip);
  ASSERT_EQ(listing.samples.size(), 3u);
  EXPECT_EQ(listing.samples[0].subject, "9001400");
  EXPECT_EQ(listing.samples[0].side, KneeSide::kLeft);
  EXPECT_EQ(listing.samples[1].subject, "9001400");
  EXPECT_EQ(listing.samples[2].subject, "knee.png");
  EXPECT_TRUE(mentions(listing, "m.csv:4: side is R, but the file is called 9001401L.png; correct one"));
  ASSERT_EQ(listing.notes.size(), 1u);
  EXPECT_NE(listing.notes[0].find("m.csv: no subject column; each image counts as a subject"), std::string::npos);
  write_file_atomically(path, "path,kl\n9001400L.png,2\n");
  EXPECT_TRUE(read_manifest(path, FaultPolicy::kStop).notes.empty());
}

TEST(Manifest, AnEmptySubjectIsAFaultAndBlanksAroundOneMakeNoOther) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "m.csv";
  write_file_atomically(path, "path,kl,subject\na.png,2,P01\nb.png,2, P01\t\nc.png,1,\nd.png,1,  \n");
  const auto listing = read_manifest(path, FaultPolicy::kSkip);
  ASSERT_EQ(listing.samples.size(), 2u);
  EXPECT_EQ(listing.samples[0].subject, "P01");
  EXPECT_EQ(listing.samples[1].subject, "P01");
  EXPECT_EQ(listing.skipped.size(), 2u);
  EXPECT_TRUE(mentions(listing, "m.csv:4: no subject; fill it in"));
  EXPECT_TRUE(mentions(listing, "m.csv:5: no subject; fill it in"));
  EXPECT_THROW(read_manifest(path, FaultPolicy::kStop), DataError);
}

TEST(Synthetic, ReadsAWiderManifest) {
  const TemporaryFolder folder;
  const std::string hash(64, 'a');
  write_file_atomically(folder.path() / "manifest.csv",
                        "id,path,split,kl,kl_read,side,subject,sex,age_years,pixel_spacing_mm,seed,sha256\n"
                        "s1,images/train/2/s1.png,train,2,1,R,p1,F,61.5,0.41,9," +
                            hash + "\n");
  const auto listing = list_synthetic(folder.path(), FaultPolicy::kStop);
  ASSERT_EQ(listing.samples.size(), 1u);
  const SourceSample& s = listing.samples[0];
  EXPECT_EQ(s.source, Source::kSynthetic);
  EXPECT_EQ(s.kl, KlGrade(2));
  EXPECT_EQ(s.kl_read, KlGrade(1));
  EXPECT_EQ(fs::path(s.path), folder.path() / "images/train/2/s1.png");
  EXPECT_EQ(to_hex(*s.sha256), hash);
  EXPECT_THROW(list_synthetic(folder.path() / "none", FaultPolicy::kStop), IoError);
}

}  // namespace
}  // namespace genu::pipeline
