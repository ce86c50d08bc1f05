// What the names of folders and files say: grade, split, subject and side.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/kl_grade.h"
#include "pipeline/loader/sample_record.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// ASCII lower case.
std::string lower_case(std::string_view text);

// Without the spaces and tabs at both ends: what a person is called must not depend on them.
std::string trimmed(std::string_view text);

// The KL grade that a folder or a cell names, in any case and with any of " _-." between the parts:
//   2, grade2, KL2, KL-grade 2, G2, 2Mild, mild, 2.0
// Words: 0 normal, none, healthy, no; 1 doubtful; 2 mild, minimal; 3 moderate; 4 severe. A name whose digit and word
// disagree names no grade.
std::optional<KlGrade> parse_grade_name(std::string_view name);

// train, training; val, valid, validation; test, testing; in any case. Not sample: no real set has one.
std::optional<Split> parse_split_name(std::string_view name);

// "auto_test" in any spelling: the automatic crops of the test subjects.
bool is_auto_test_name(std::string_view name);

struct KneeName {
  std::string subject;
  KneeSide side = KneeSide::kLeft;
};

// Subject and side of a file name's stem: seven digits and L or R (9001400L), or the original's seven digits, "_" and 1
// (right) or 2 (left). What follows another separator is a copy's own addition (9001400L_png.rf.0a1b).
std::optional<KneeName> parse_knee_name(std::string_view stem);

// Takes subject and side from the name of the sample's file, where it is called so. Throws DataError beginning with
// `place` where the sample states others: a swapped side or subject shows there.
void take_from_name(SourceSample& sample, const std::string& place);

// For a table without a subject column: says so in a note if any picture counts as a subject of its own.
void note_own_subjects(const std::filesystem::path& table, SourceListing& listing);

// png, jpg, jpeg, bmp, tif, tiff in any case.
bool is_image_name(const std::filesystem::path& path);

}  // namespace genu::pipeline
