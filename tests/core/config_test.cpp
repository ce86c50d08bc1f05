#include "core/config.h"

#include <gtest/gtest.h>

#include "core/errors.h"
#include "core/files.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

enum class Mode { kPhysical, kSeedCompat };

struct Source {
  std::string kind = "synthetic";
  double weight = 1;
  void list_fields(FieldList& fields) {
    fields.add("kind", kind, "what lies there");
    fields.add("weight", weight, Range{0.0, 10.0}, "share");
  }
  bool operator==(const Source&) const = default;
};

struct Scatter {
  double primary_ratio = 0.25;
  void list_fields(FieldList& fields) {
    fields.add("primary_ratio", primary_ratio, Range{0.0, 2.0}, "scatter-to-primary ratio");
  }
  bool operator==(const Scatter&) const = default;
};

struct Example {
  int size_px = 224;
  std::uint64_t seed = 1;
  bool mirror = true;
  double tilt_deg = 2.5;
  std::string title = "knees: all";
  Mode mode = Mode::kPhysical;
  std::vector<double> share = {0.5, 0.5};
  std::vector<std::string> words = {};
  std::vector<std::vector<double>> table = {{1, 0}, {0.25, 0.75}};
  Scatter scatter;
  std::vector<Source> sources;

  void list_fields(FieldList& fields) {
    fields.add("size_px", size_px, Range{32, 2048}, "side of the image");
    fields.add("seed", seed, Range<std::uint64_t>{}, "dataset seed");
    fields.add("mirror", mirror, "mirror right knees");
    fields.add("tilt_deg", tilt_deg, Range{-10.0, 10.0}, "in-plane tilt");
    fields.add("title", title, "text");
    fields.choice("mode", mode, {{"physical", Mode::kPhysical}, {"seed_compat", Mode::kSeedCompat}}, "which ladder");
    fields.add("share", share, Range{0.0, 1.0}, Range{2, 2}, "shares");
    fields.add("words", words, Range{0, 3}, "words");
    fields.add("table", table, Range{0.0, 1.0}, "table");
    fields.section("scatter", scatter, "scatter");
    fields.items("sources", sources, "sources");
  }
  bool operator==(const Example&) const = default;
};

Example from_text(const std::string& text) {
  Example config;
  read_config(config, parse_yaml_text(text, "x.yaml"));
  return config;
}

std::string error_of(const std::string& text) {
  try {
    from_text(text);
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(Config, ReadsEveryKindOfField) {
  const Example config = from_text(
      "size_px: 299\nseed: 18446744073709551615\nmirror: false\ntilt_deg: -1.5e0\ntitle: \"a # b\"\n"
      "mode: seed_compat\nshare: [0.25, 0.75]\nwords: [a, b]\ntable: [[0, 1], [1, 0]]\n"
      "scatter:\n  primary_ratio: 0.8\nsources:\n  - kind: mendeley\n    weight: 2\n  - {kind: oai}\n");
  Example expected;
  expected.size_px = 299;
  expected.seed = 18446744073709551615u;
  expected.mirror = false;
  expected.tilt_deg = -1.5;
  expected.title = "a # b";
  expected.mode = Mode::kSeedCompat;
  expected.share = {0.25, 0.75};
  expected.words = {"a", "b"};
  expected.table = {{0, 1}, {1, 0}};
  expected.scatter.primary_ratio = 0.8;
  expected.sources = {{"mendeley", 2}, {"oai", 1}};
  EXPECT_EQ(config, expected);
}

TEST(Config, ResolvedTextReadsBackToTheSameConfig) {
  Example config;
  config.tilt_deg = 0.1 + 0.2;  // needs all 17 digits
  config.title = "quote \" backslash \\ colon: hash # dash - new\nline";
  config.words = {"", "true", "- a"};
  config.sources = {{"mendeley", 0.1}, {"oai", 3}};
  EXPECT_EQ(from_text(to_yaml(config)), config) << to_yaml(config);
  EXPECT_EQ(config_hash(from_text(to_yaml(config))), config_hash(config));
}

TEST(Config, HashChangesWithAnyField) {
  Example changed;
  changed.scatter.primary_ratio += 1e-12;
  EXPECT_NE(config_hash(changed), config_hash(Example{}));
}

TEST(Config, UnknownKeyNamesLineAndNearestKey) {
  EXPECT_EQ(error_of("seed: 3\nsize_pix: 224\n"), "x.yaml:2: unknown key 'size_pix'; did you mean 'size_px'?");
  EXPECT_NE(error_of("scatter:\n  ratio_of_something: 1\n")
                .find("x.yaml:2: unknown key 'scatter.ratio_of_something'; "
                      "known keys: primary_ratio"),
            std::string::npos);
  EXPECT_NE(error_of("sources:\n  - kind: a\n  - knd: b\n").find("x.yaml:3: unknown key 'sources[1].knd'"),
            std::string::npos);
}

TEST(Config, OutOfRangeAndWrongTypeNameLineAndRange) {
  EXPECT_EQ(error_of("\nsize_px: 16\n"), "x.yaml:2: size_px must be a whole number in 32 .. 2048, got '16'");
  EXPECT_NE(error_of("size_px: 224.5").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("size_px: 224px").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("tilt_deg: .nan").find("a number in -10 .. 10"), std::string::npos);
  EXPECT_NE(error_of("tilt_deg: nan").find("a number in -10 .. 10"), std::string::npos);
  EXPECT_NE(error_of("seed: -1").find("whole number"), std::string::npos);
  EXPECT_NE(error_of("mirror: yes").find("true or false"), std::string::npos);
  EXPECT_NE(error_of("mode: magic").find("one of physical | seed_compat, got 'magic'"), std::string::npos);
  EXPECT_NE(error_of("share: [1]").find("must have 2 items, got 1"), std::string::npos);
  EXPECT_NE(error_of("share: 1").find("a list"), std::string::npos);
  EXPECT_NE(error_of("table: [[1, 0]]").find("must have 2 items"), std::string::npos);
  EXPECT_NE(error_of("scatter: 3").find("a mapping"), std::string::npos);
  EXPECT_NE(error_of("- 1\n- 2\n").find("a mapping"), std::string::npos);
}

TEST(Config, BrokenYamlAndDoubleKeysNameTheLine) {
  EXPECT_NE(error_of("seed: 1\nsize_px: [1, 2\n").find("x.yaml:"), std::string::npos);
  EXPECT_EQ(error_of("seed: 1\ntilt_deg: 1\nseed: 2\n"),
            "x.yaml:3: key 'seed' is given twice (first in line 1); keep one");
}

TEST(Config, OverridesComeAfterTheFile) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "a.yaml", "size_px: 128\nseed: 5\n");
  const auto config = load_config<Example>(folder.path() / "a.yaml",
                                           {"size_px=64", "scatter.primary_ratio=0.5", "share=[0.1, 0.9]", "title="});
  EXPECT_EQ(config.size_px, 64);
  EXPECT_EQ(config.seed, 5u);
  EXPECT_EQ(config.scatter.primary_ratio, 0.5);
  EXPECT_EQ(config.share, (std::vector<double>{0.1, 0.9}));
  EXPECT_EQ(config.title, "");
}

TEST(Config, WrongOverrideNamesItself) {
  try {
    load_config<Example>("", {"scatter.primary_rato=1"});
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "--set scatter.primary_rato=1: unknown key 'scatter.primary_rato'; did you mean 'primary_ratio'?");
  }
  EXPECT_THROW(parse_override("novalue"), ConfigError);
  EXPECT_THROW(parse_override("=1"), ConfigError);
  EXPECT_THROW(load_config<Example>("", {"size_px=99999"}), ConfigError);
}

TEST(Config, MissingFileIsAnIoError) { EXPECT_THROW(load_config<Example>("/nonexistent.yaml", {}), IoError); }

TEST(Config, HelpListsEveryFieldWithItsRange) {
  Example config;
  const std::string text = help_text(list_fields(config));
  for (const char* part : {"size_px = 224", "32 .. 2048", "scatter.primary_ratio", "physical | seed_compat"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

}  // namespace
}  // namespace genu
