// Any CSV with one row a knee: path, grade, subject, side. Comma, semicolon, tab or '|'; byte-order mark, CRLF and
// quotes are understood.
#pragma once

#include <filesystem>
#include <string>

#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

enum class ExtraColumns : std::uint8_t { kRefuse, kIgnore };

// Column names in the file. Empty = look for the usual ones, in any case:
//   path     path, file, filename, file_name, image, image_path
//   kl       kl, kl_grade, grade, label
//   kl_read  kl_read
//   subject  subject, subject_id, patient, patient_id
//   side     side, laterality, knee
//   split    split, set, part
//   id       id, sample_id
struct CsvColumns {
  std::string path;
  std::string kl;
  std::string kl_read;
  std::string subject;
  std::string side;
  std::string split;
  std::string id;
  ExtraColumns extra = ExtraColumns::kRefuse;
  bool operator==(const CsvColumns&) const = default;
};

// "path=filename,kl=KLG,side=eye": names the columns. Throws UsageError.
CsvColumns parse_csv_columns(const std::string& assignments, ExtraColumns extra);

struct CsvSourceConfig {
  std::filesystem::path file;
  std::filesystem::path folder;  // relative paths start here; empty = the CSV's own folder
  CsvColumns columns;
  Source source = Source::kOther;
  Split split = Split::kTrain;  // where the file has no split column
};

// path and kl are needed. A row without id is called by its path; without subject it is its own subject (a note says
// so). A note counts the pictures under `folder` that no row lists. A file called SUBJECTSIDE (names.h) whose row
// states another subject or side is a fault. Throws IoError if the file cannot be read; DataError if it is no table,
// lacks a needed column or has a column that nothing asks for, or at the first fault under FaultPolicy::kStop.
SourceListing list_csv(const CsvSourceConfig& config, FaultPolicy policy);

}  // namespace genu::pipeline
