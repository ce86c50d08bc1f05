#include "pipeline/source/films.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <map>
#include <opencv2/core.hpp>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/progress.h"
#include "pipeline/decode/dicom.h"
#include "pipeline/locate/locate_knees.h"
#include "pipeline/source/folders.h"
#include "pipeline/source/names.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

// A knee that was found on a film, or why there is none.
struct FoundKnee {
  KneeSide side = KneeSide::kLeft;
  std::optional<PixelBox> box;
};

// What was found on one file; `fault` alone if it could not be used.
struct FilmFindings {
  std::string subject;
  std::optional<PixelSpacing> spacing;
  std::vector<FoundKnee> knees;
  std::string fault;
};

std::string leading_digits(const std::string& stem) { return stem.substr(0, stem.find_first_not_of("0123456789")); }

DicomFilm read_film(const fs::path& path) {
  const auto bytes = read_file(path);
  if (looks_like_dicom(bytes)) return decode_dicom(bytes, path.string());
  DicomFilm film;
  film.image = decode_image(bytes, path.string());
  film.patient_id = leading_digits(path.stem().string());
  return film;
}

void add_knees(const DicomFilm& film, FilmFindings& findings) {
  const std::optional<double> spacing_mm = film.spacing ? std::optional(film.spacing->mm) : std::nullopt;
  const auto box = [](const std::optional<KneePlace>& place) {
    return place ? std::optional(crop_box(*place)) : std::nullopt;
  };
  if (film.side) {
    findings.knees.push_back({*film.side, box(locate_knee(film.image, film.side, spacing_mm))});
    return;
  }
  const FilmKnees knees = locate_knees(film.image, spacing_mm);
  const bool as_displayed = film.picture_left.value_or(PictureLeft::kPatientRight) == PictureLeft::kPatientRight;
  const KneeSide left_half = as_displayed ? KneeSide::kRight : KneeSide::kLeft;
  const KneeSide right_half = as_displayed ? KneeSide::kLeft : KneeSide::kRight;
  findings.knees.push_back({left_half, box(knees.picture_left)});
  findings.knees.push_back({right_half, box(knees.picture_right)});
}

FilmFindings examine(const fs::path& path, const ReadingTable& table) {
  FilmFindings findings;
  try {
    const DicomFilm film = read_film(path);
    const std::string part = lower_case(film.body_part);
    if (!part.empty() && part.find("knee") == std::string::npos) {
      findings.fault = path.string() + ": the film shows another part of the body than the knee; remove it";
    } else if (film.patient_id.empty()) {
      findings.fault = path.string() + ": has no patient ID (DICOM) or its name does not begin with one; left out";
    } else if (!table.has_subject(film.patient_id)) {
      findings.fault = path.string() + ": its patient ID is not in " + table.name() + "; left out";
    } else {
      findings.subject = film.patient_id;
      findings.spacing = film.spacing;
      add_knees(film, findings);
    }
  } catch (const DataError& error) {
    findings.fault = error.what();
  } catch (const IoError& error) {
    findings.fault = error.what();
  }
  return findings;
}

std::string public_subject(const std::string& id, const FilmsConfig& config) {
  constexpr std::size_t kDigits = 16;
  if (config.subject_ids == SubjectIds::kAsRead) return id;
  return std::string(kHashedSubject) + to_hex(sha256(config.salt + id)).substr(0, kDigits);
}

class Collector {
 public:
  Collector(const FilmsConfig& config, const ReadingTable& table, FaultPolicy policy, SourceListing& listing)
      : config_(config), table_(table), policy_(policy), listing_(listing) {}

  void add(const fs::path& path, const FilmFindings& findings) {
    if (!findings.fault.empty()) return fault(findings.fault);
    for (const FoundKnee& knee : findings.knees) add_knee(path, findings, knee);
  }

  void note_missing_films() {
    std::size_t missing = 0;
    std::string first;
    for (const auto& [key, reading] : table_.readings()) {
      if (films_.contains(key)) continue;
      if (missing++ == 0) first = reading.place;
    }
    if (missing == 0) return;
    listing_.notes.push_back(fmt::format("{}: {} knees with a grade have no film in {}, the first at {}", table_.name(),
                                         missing, config_.folder.string(), first));
  }

 private:
  void add_knee(const fs::path& path, const FilmFindings& findings, const FoundKnee& knee) {
    const std::string name = knee.side == KneeSide::kRight ? "right" : "left";
    const KneeReading* reading = table_.find(findings.subject, knee.side);
    if (reading == nullptr) {
      return fault(fmt::format("{}: the {} knee {}; left out", path.string(), name,
                               table_.why_missing(findings.subject, knee.side)));
    }
    const auto [first, is_new] = films_.try_emplace({findings.subject, knee.side}, path);
    if (!is_new) {
      return fault(fmt::format("{}: the {} knee is on {} too; keep one film of a visit", path.string(), name,
                               first->second.string()));
    }
    if (!knee.box) return fault(path.string() + ": no " + name + " knee was found; list it with a box in a manifest");
    SourceSample sample;
    sample.path = path;
    sample.subject = public_subject(findings.subject, config_);
    sample.id = sample.subject + std::string(to_string(knee.side));
    sample.split = config_.split;
    sample.kl = reading->kl;
    sample.kl_read = reading->kl_read;
    sample.side = knee.side;
    sample.source = config_.source;
    sample.box = knee.box;
    sample.spacing = findings.spacing;
    sample.reads = reading->reads;
    sample.label_rule = reading->label_rule;
    sample.oarsi = reading->oarsi;
    listing_.samples.push_back(std::move(sample));
  }

  void fault(const std::string& message) { report_fault(policy_, message, listing_.skipped); }

  const FilmsConfig& config_;
  const ReadingTable& table_;
  FaultPolicy policy_;
  SourceListing& listing_;
  std::map<std::pair<std::string, KneeSide>, fs::path> films_;
};

}  // namespace

SourceListing list_films(const FilmsConfig& config, FaultPolicy policy) {
  SourceListing listing;
  const ReadingTable table = ReadingTable::read(config.readings, config.reading, policy, listing);
  const auto files = files_under(config.folder, policy, listing.skipped);
  if (files.empty()) throw DataError(config.folder.string() + ": holds no files; give the folder of the films");
  std::vector<FilmFindings> findings(files.size());
  cv::setNumThreads(1);  // films are what is shared out
  ProgressBar bar("films", files.size(), "films");
  tbb::task_arena arena(config.threads > 0 ? config.threads : tbb::task_arena::automatic);
  arena.execute([&] {
    tbb::parallel_for(std::size_t{0}, files.size(), [&](std::size_t i) {
      findings[i] = examine(files[i], table);
      bar.advance();
    });
  });
  Collector collector(config, table, policy, listing);
  for (std::size_t i = 0; i < files.size(); ++i) collector.add(files[i], findings[i]);
  collector.note_missing_films();
  return listing;
}

}  // namespace genu::pipeline
