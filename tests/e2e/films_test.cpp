// A synthetic study of DICOM films goes through the reading table to the same labels.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "core/csv.h"
#include "core/files.h"
#include "tests/e2e/run_genu.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

namespace fs = std::filesystem;

TEST(SyntheticStudy, ComesBackWithItsLabelsAndBoxes) {
  const TemporaryFolder folder;
  const std::string study = (folder.path() / "study").string();
  // A third each MONOCHROME1, JPEG lossless and RLE, so that every kind is among twelve films.
  const ProgramRun made = run_genu(
      "generate --quiet --set view=bilateral --set format=dicom --set film.subjects=12 --set seed=11 --set "
      "film.monochrome1_share=0.34 --set film.jpeg_lossless_share=0.33 --set film.rle_share=0.33 --set "
      "film.missing_reading_share=0 --out " +
      study);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string manifest = (folder.path() / "study.csv").string();
  const ProgramRun listed = run_genu("ingest --quiet --strict --films " + study + "/films --readings " + study +
                                     "/reading_table.txt --out " + manifest);
  ASSERT_EQ(listed.exit_code, 0) << listed.err;

  const auto truth = CsvTable::read(study + "/knees.csv");
  std::map<std::string, std::size_t> row_of;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    row_of[truth.cell(i, truth.column("subject")) + truth.cell(i, truth.column("side"))] = i;
  }
  const auto table = CsvTable::read(manifest);
  ASSERT_EQ(table.size(), truth.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::string id = table.cell(i, table.column("id"));
    ASSERT_TRUE(row_of.contains(id)) << id;
    const std::size_t row = row_of.at(id);
    EXPECT_EQ(table.cell(i, table.column("kl")), truth.cell(row, truth.column("kl_read"))) << id;
    const double side = truth.number(row, truth.column("box_width_px"));
    EXPECT_NEAR(table.number(i, table.column("box_left_px")), truth.number(row, truth.column("box_left_px")),
                0.15 * side)
        << id;
    EXPECT_NEAR(table.number(i, table.column("box_top_px")), truth.number(row, truth.column("box_top_px")), 0.15 * side)
        << id;
  }

  // Both from the manifest and straight from the films; the same bytes.
  const std::string sizes = " --set preprocess.size_px=64 --set samples_per_shard=100";
  const ProgramRun from_manifest =
      run_genu("shard --quiet --manifest " + manifest + sizes + " --out " + (folder.path() / "a").string());
  ASSERT_EQ(from_manifest.exit_code, 0) << from_manifest.err;
  const ProgramRun from_films = run_genu("shard --quiet --films " + study + "/films --readings " + study +
                                         "/reading_table.txt" + sizes + " --out " + (folder.path() / "b").string());
  ASSERT_EQ(from_films.exit_code, 0) << from_films.err;
  EXPECT_EQ(read_file(folder.path() / "a/shard-00000.h5"), read_file(folder.path() / "b/shard-00000.h5"));
}

TEST(SyntheticStudy, FilmsWithoutReadingsIsAUsageError) {
  const ProgramRun run = run_genu("ingest --films /tmp --out /tmp/never.csv");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.err.find("--readings"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace genu
