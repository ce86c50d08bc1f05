// The reading table of a study of knee films, as kXR_SQ_BU00.txt of the Osteoarthritis Initiative: one row a knee and
// reading project, parted by '|', tab, comma or semicolon; column names in any case:
//   ID, SIDE (1 = right, 2 = left), READPRJ (optional), and with the visit's prefix V00, V01, V03 ...:
//   XRKL, and where they are there XRJSM, XRJSL, XROSFM, XROSFL, XROSTM, XROSTL
// Cells may carry their meaning behind a colon ("2: Left"). Empty, ".", ".A" or ".: Missing Form" is no value.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

struct ReadingConfig {
  std::string visit;  // "V00"; empty = the only visit that the table has
  // Whose reading becomes kl, first to last; the OAI's central readings come first, then those of its later projects.
  // Where none of them has read a knee, the lower median of all readings is taken.
  std::vector<int> projects = {15, 37, 42};
};

struct KneeReading {
  KlGrade kl;
  KlGrade kl_read;         // the next reading by the same rule; kl where there is one reading only
  OarsiGrades oarsi;       // of the reading that became kl
  std::string reads;       // "15=2;37=3"
  std::string label_rule;  // "project 15", "lower median of 3"
  std::string place;       // "FILE:LINE" of the reading that became kl
};

class ReadingTable {
 public:
  // Several tables are read as one. A row without grade is no reading. A grade that is none, a side that is none, and
  // two different grades of one knee by one project, in one table or two, are faults, named with their lines; the knee
  // is left out then. Throws IoError, DataError (no table, no column ID, SIDE or XRKL, several visits and none chosen),
  // or at the first fault under FaultPolicy::kStop.
  static ReadingTable read(const std::vector<std::filesystem::path>& tables, const ReadingConfig& config,
                           FaultPolicy policy, SourceListing& faults);

  const KneeReading* find(const std::string& subject, KneeSide side) const;
  bool has_subject(const std::string& subject) const;
  // Why there is no reading of a knee: "has no grade of this knee" or that it was left out.
  std::string why_missing(const std::string& subject, KneeSide side) const;
  // Every knee with a reading, by subject.
  const std::map<std::pair<std::string, KneeSide>, KneeReading>& readings() const { return readings_; }
  // The tables' names for messages.
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::map<std::pair<std::string, KneeSide>, KneeReading> readings_;
  std::map<std::pair<std::string, KneeSide>, std::string> left_out_;  // with the reason
};

}  // namespace genu::pipeline
