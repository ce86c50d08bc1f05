#include "pipeline/source/mendeley.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/errors.h"
#include "pipeline/source/folders.h"
#include "pipeline/source/names.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

bool names_grade(const fs::path& entry) {
  return parse_grade_name(entry.filename().string()).has_value() && is_folder(entry);
}
bool names_split(const fs::path& entry) {
  return parse_split_name(entry.filename().string()).has_value() && is_folder(entry);
}

// Archives often wrap the set in folders of their own.
fs::path without_wrapping(fs::path folder) {
  constexpr int kDeepest = 4;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const auto entries = sorted_entries(folder);
    const auto known = [](const fs::path& entry) { return names_grade(entry) || names_split(entry); };
    if (std::any_of(entries.begin(), entries.end(), known)) return folder;
    if (std::count_if(entries.begin(), entries.end(), is_folder) != 1) return folder;
    folder = *std::find_if(entries.begin(), entries.end(), is_folder);
  }
  return folder;
}

class Lister {
 public:
  Lister(Naming naming, FaultPolicy policy) : naming_(naming), policy_(policy) {}

  void add_root(const fs::path& root) {
    const auto entries = sorted_entries(root);
    if (std::any_of(entries.begin(), entries.end(), names_split)) return add_splits(entries);
    if (std::any_of(entries.begin(), entries.end(), names_grade)) {
      listing_.notes.push_back(root.string() +
                               ": grade folders without split folders; all is listed as train, `genu split` parts it");
      return add_grades(entries, Split::kTrain);
    }
    throw DataError(root.string() +
                    ": has neither split folders (train, val, test) nor grade folders (0-4, KL0-4, 0Normal ...); give "
                    "the folder that holds them");
  }

  void add_grades(const std::vector<fs::path>& entries, Split split) {
    for (const fs::path& entry : entries) {
      const auto grade = parse_grade_name(entry.filename().string());
      if (grade && is_folder(entry)) {
        add_grade(entry, split, *grade);
      } else if (is_auto_test_name(entry.filename().string())) {
        quarantine(entry);
      } else {
        fault(entry.string() + ": not a grade folder 0, 1, 2, 3 or 4; rename or remove it");
      }
    }
  }

  SourceListing take() { return std::move(listing_); }

 private:
  void add_splits(const std::vector<fs::path>& entries) {
    for (const fs::path& entry : entries) {
      const std::string name = entry.filename().string();
      if (is_auto_test_name(name)) {
        quarantine(entry);
      } else if (names_split(entry)) {
        add_grades(sorted_entries(entry), *parse_split_name(name));
      } else {
        fault(entry.string() + ": not one of the folders train, val and test; remove it or leave it out");
      }
    }
  }

  void add_grade(const fs::path& folder, Split split, KlGrade grade) {
    for (const fs::path& entry : sorted_entries(folder)) {
      if (!is_image_name(entry) || is_folder(entry)) {
        fault(entry.string() + ": not an image file (png, jpg, bmp, tif); remove it");
        continue;
      }
      const std::string stem = entry.stem().string();
      const auto name = parse_knee_name(stem);
      if (!name && naming_ == Naming::kSubjectAndSide) {
        fault(entry.string() +
              ": not named SUBJECT (7 digits) and SIDE (L or R), such as 9001400L.png; rename it, or list the images "
              "in a CSV");
        continue;
      }
      SourceSample sample;
      sample.path = entry;
      // Free names are often numbered anew in each grade folder.
      sample.id = name ? stem : folder.filename().string() + "/" + stem;
      sample.split = split;
      sample.kl = grade;
      sample.kl_read = grade;
      if (name) sample.side = name->side;
      sample.subject = name ? name->subject : sample.id;
      sample.source = name ? Source::kMendeley : Source::kOther;
      listing_.samples.push_back(std::move(sample));
    }
  }

  void quarantine(const fs::path& folder) {
    fault(folder.string() + ": repeats subjects of the test part in automatic crops; left out");
  }
  void fault(const std::string& message) { report_fault(policy_, message, listing_.skipped); }

  Naming naming_;
  FaultPolicy policy_;
  SourceListing listing_;
};

}  // namespace

SourceListing list_mendeley(const fs::path& folder, FaultPolicy policy) {
  if (!is_folder(folder)) throw IoError(folder.string() + ": no such folder; check the path");
  Lister lister(Naming::kSubjectAndSide, policy);
  lister.add_root(without_wrapping(folder));
  return lister.take();
}

SourceListing list_grade_folders(const fs::path& folder, Split split, Naming naming, FaultPolicy policy) {
  if (!is_folder(folder)) throw IoError(folder.string() + ": no such folder; check the path");
  const auto entries = sorted_entries(folder);
  if (std::none_of(entries.begin(), entries.end(), names_grade)) {
    throw DataError(folder.string() + ": has no grade folders (0-4, KL0-4, 0Normal ...); give the folder above them");
  }
  Lister lister(naming, policy);
  lister.add_grades(entries, split);
  return lister.take();
}

}  // namespace genu::pipeline
