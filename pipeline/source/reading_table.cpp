#include "pipeline/source/reading_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/csv.h"
#include "core/errors.h"
#include "pipeline/source/names.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int kNoProject = -1;  // a table without READPRJ; sorts before every project

struct RowReading {
  int project = kNoProject;
  KlGrade kl;
  OarsiGrades oarsi;
  std::string place;
};

using KneeKey = std::pair<std::string, KneeSide>;

// The value before a colon, without blanks; empty where there is none.
std::string value_of(const std::string& cell) {
  std::string text = cell.substr(0, cell.find(':'));
  text.erase(0, std::min(text.find_first_not_of(" \t"), text.size()));
  text.erase(text.find_last_not_of(" \t") + 1);
  const bool missing = text.size() <= 2 && text.starts_with('.') &&
                       (text.size() == 1 || std::isalpha(static_cast<unsigned char>(text[1])) != 0);
  return missing ? "" : text;
}

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// Finds columns by name in any case.
class Columns {
 public:
  Columns(const CsvTable& table, const fs::path& path, const std::string& visit) : path_(path) {
    for (std::size_t c = 0; c < table.columns().size(); ++c) {
      places_[lower_case(value_of(table.columns()[c]))] = c;
    }
    visit_ = lower_case(visit.empty() ? only_visit() : visit);
  }

  std::optional<std::size_t> find(const std::string& name) const {
    const auto it = places_.find(name);
    return it == places_.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<std::size_t> find_of_visit(const std::string& name) const { return find(visit_ + name); }
  std::size_t needed(const std::string& name) const {
    if (const auto place = find(name)) return *place;
    throw DataError(fmt::format("{}: no column '{}'; a reading table has ID, SIDE and {}XRKL", path_.string(), name,
                                visit_.empty() ? "V00" : visit_));
  }
  std::size_t needed_of_visit(const std::string& name) const { return needed(visit_ + name); }

 private:
  // "v00" if that is the one prefix of a column ...xrkl; empty for a column without prefix.
  std::string only_visit() const {
    constexpr std::string_view kGrade = "xrkl";
    std::vector<std::string> visits;
    for (const auto& [name, place] : places_) {
      if (name.ends_with(kGrade) && name.size() <= kGrade.size() + 3) {
        visits.push_back(name.substr(0, name.size() - kGrade.size()));
      }
    }
    if (visits.size() == 1) return visits.front();
    if (visits.empty())
      throw DataError(path_.string() + ": no column V00XRKL (or of another visit); give a reading table");
    std::string all;
    for (const auto& visit : visits) all += (all.empty() ? "" : ", ") + visit;
    throw DataError(path_.string() + ": has readings of the visits " + all + "; choose one with --visit");
  }

  fs::path path_;
  std::string visit_;
  std::map<std::string, std::size_t> places_;
};

class TableReader {
 public:
  TableReader(const fs::path& path, const ReadingConfig& config)
      : table_(CsvTable::read_any_delimiter(path)), columns_(table_, path, config.visit) {
    id_ = columns_.needed("id");
    side_ = columns_.needed("side");
    grade_ = columns_.needed_of_visit("xrkl");
    project_ = columns_.find("readprj");
    static const std::array<std::string, kOarsiFeatureCount> kNames = {"xrjsm",  "xrjsl",  "xrosfm",
                                                                       "xrosfl", "xrostm", "xrostl"};
    for (std::size_t k = 0; k < kOarsiFeatureCount; ++k) oarsi_[k] = columns_.find_of_visit(kNames[k]);
  }

  std::size_t size() const { return table_.size(); }

  // Nothing for a row without grade. Throws DataError.
  std::optional<std::pair<KneeKey, RowReading>> row(std::size_t i) const {
    const std::string grade = value_of(table_.cell(i, grade_));
    if (grade.empty()) return std::nullopt;
    const std::string subject = value_of(table_.cell(i, id_));
    if (subject.empty()) throw DataError(table_.place(i) + ": no ID; fill it in");
    RowReading reading;
    reading.place = table_.place(i);
    const auto kl = parse_grade_name(grade);
    if (!kl) throw DataError(fmt::format("{}: grade is '{}'; it must be 0-4", reading.place, grade));
    reading.kl = *kl;
    if (project_) reading.project = project(i);
    for (std::size_t k = 0; k < kOarsiFeatureCount; ++k) {
      if (oarsi_[k]) reading.oarsi[k] = number_of(value_of(table_.cell(i, *oarsi_[k])));
    }
    return std::pair{KneeKey{subject, side(i)}, reading};
  }

 private:
  int project(std::size_t i) const {
    const auto number = number_of(value_of(table_.cell(i, *project_)));
    if (!number || !(*number >= 0 && *number <= 1e6)) {
      throw DataError(table_.place(i) + ": READPRJ is '" + table_.cell(i, *project_) + "'; it must be a number");
    }
    return static_cast<int>(*number);
  }

  KneeSide side(std::size_t i) const {
    const std::string text = value_of(table_.cell(i, side_));
    if (text == "1") return KneeSide::kRight;
    if (text == "2") return KneeSide::kLeft;
    if (const auto side = parse_knee_side(text)) return *side;
    throw DataError(table_.place(i) + ": SIDE is '" + table_.cell(i, side_) + "'; it must be 1 (right) or 2 (left)");
  }

  CsvTable table_;
  Columns columns_;
  std::size_t id_ = 0;
  std::size_t side_ = 0;
  std::size_t grade_ = 0;
  std::optional<std::size_t> project_;
  std::array<std::optional<std::size_t>, kOarsiFeatureCount> oarsi_;
};

// Readings in the order of the rule: the listed projects, then the others by number.
void sort_by_rule(std::vector<RowReading>& readings, const ReadingConfig& config) {
  const auto rank = [&](const RowReading& reading) {
    const auto place = std::find(config.projects.begin(), config.projects.end(), reading.project);
    return std::pair{place - config.projects.begin(), reading.project};
  };
  std::stable_sort(readings.begin(), readings.end(),
                   [&](const RowReading& a, const RowReading& b) { return rank(a) < rank(b); });
}

std::string project_name(int project) { return project == kNoProject ? "reading" : std::to_string(project); }

KneeReading resolved(std::vector<RowReading> readings, const ReadingConfig& config) {
  sort_by_rule(readings, config);
  KneeReading knee;
  const RowReading* chosen = &readings.front();
  const bool listed =
      std::find(config.projects.begin(), config.projects.end(), chosen->project) != config.projects.end();
  if (listed || readings.size() == 1) {
    knee.label_rule = chosen->project == kNoProject ? "the one reading" : "project " + project_name(chosen->project);
  } else {
    std::vector<const RowReading*> by_grade;
    for (const RowReading& reading : readings) by_grade.push_back(&reading);
    std::stable_sort(by_grade.begin(), by_grade.end(),
                     [](const RowReading* a, const RowReading* b) { return a->kl < b->kl; });
    chosen = by_grade[(by_grade.size() - 1) / 2];
    knee.label_rule = fmt::format("lower median of {}", readings.size());
  }
  knee.kl = chosen->kl;
  knee.kl_read = chosen->kl;
  for (const RowReading& reading : readings) {
    if (&reading == chosen) continue;
    knee.kl_read = reading.kl;
    break;
  }
  knee.oarsi = chosen->oarsi;
  knee.place = chosen->place;
  for (const RowReading& reading : readings) {
    knee.reads +=
        fmt::format("{}{}={}", knee.reads.empty() ? "" : ";", project_name(reading.project), reading.kl.value());
  }
  return knee;
}

std::string knee_name(const KneeKey& key) { return key.first + " " + std::string(to_string(key.second)); }

}  // namespace

ReadingTable ReadingTable::read(const std::vector<fs::path>& tables, const ReadingConfig& config, FaultPolicy policy,
                                SourceListing& faults) {
  ReadingTable result;
  std::map<KneeKey, std::vector<RowReading>> rows;
  for (const fs::path& path : tables) {
    result.name_ += (result.name_.empty() ? "" : ", ") + path.string();
    const TableReader reader(path, config);
    for (std::size_t i = 0; i < reader.size(); ++i) {
      try {
        const auto row = reader.row(i);
        if (!row) continue;
        auto& readings = rows[row->first];
        const auto same = std::find_if(readings.begin(), readings.end(),
                                       [&](const RowReading& other) { return other.project == row->second.project; });
        if (same == readings.end()) {
          readings.push_back(row->second);
        } else if (same->kl != row->second.kl) {
          result.left_out_[row->first] = "its grades contradict each other";
          throw DataError(fmt::format("{}: knee {} has grade {} here and {} at {}, both of {} {}; left out",
                                      row->second.place, knee_name(row->first), row->second.kl.value(),
                                      same->kl.value(), same->place, same->project == kNoProject ? "one" : "project",
                                      project_name(same->project)));
        }
      } catch (const DataError& error) {
        report_fault(policy, error.what(), faults.skipped);
      }
    }
  }
  std::size_t differ = 0;
  for (auto& [key, readings] : rows) {
    if (result.left_out_.contains(key)) continue;
    KneeReading knee = resolved(std::move(readings), config);
    differ += knee.kl != knee.kl_read ? 1u : 0u;
    result.readings_.emplace(key, std::move(knee));
  }
  if (differ > 0) {
    faults.notes.push_back(
        fmt::format("{}: the readers differ on {} of {} knees; the manifest's column reads has every "
                    "reading, label_rule what was taken",
                    result.name_, differ, result.readings_.size()));
  }
  return result;
}

const KneeReading* ReadingTable::find(const std::string& subject, KneeSide side) const {
  const auto it = readings_.find({subject, side});
  return it == readings_.end() ? nullptr : &it->second;
}

bool ReadingTable::has_subject(const std::string& subject) const {
  for (const KneeSide side : {KneeSide::kLeft, KneeSide::kRight}) {
    if (find(subject, side) != nullptr || left_out_.contains({subject, side})) return true;
  }
  return false;
}

std::string ReadingTable::why_missing(const std::string& subject, KneeSide side) const {
  const auto it = left_out_.find({subject, side});
  return it == left_out_.end() ? "has no grade in " + name_ : it->second + " in " + name_;
}

}  // namespace genu::pipeline
