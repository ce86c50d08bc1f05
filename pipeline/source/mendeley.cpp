#include "pipeline/source/mendeley.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <system_error>

#include "core/errors.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

// Entries in the order of their names. Throws IoError if the folder cannot be read.
std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  if (error) throw IoError(folder.string() + ": cannot list: " + error.message() + "; check the path");
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;  // a loop of links is no folder
  return fs::is_directory(path, ignored);
}

struct KneeName {
  std::string subject;
  KneeSide side = KneeSide::kLeft;
};

std::optional<KneeName> parse_name(const std::string& stem) {
  constexpr std::size_t kDigits = 7;
  if (stem.size() != kDigits + 1) return std::nullopt;
  const bool digits = std::all_of(stem.begin(), stem.begin() + kDigits, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (stem.back() != 'L' && stem.back() != 'R')) return std::nullopt;
  return KneeName{stem.substr(0, kDigits), stem.back() == 'L' ? KneeSide::kLeft : KneeSide::kRight};
}

bool is_image_name(const fs::path& path) {
  static const std::array<std::string, 6> kExtensions = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

class Lister {
 public:
  explicit Lister(FaultPolicy policy) : policy_(policy) {}

  void add_root(const fs::path& root) {
    std::size_t splits = 0;
    for (const fs::path& entry : sorted_entries(root)) {
      const std::string name = entry.filename().string();
      const auto split = parse_split(name);
      if (name == "auto_test") {
        fault(entry.string() + ": repeats subjects of the test part in automatic crops; left out");
      } else if (split && *split != Split::kSample && is_folder(entry)) {
        ++splits;
        add_split(entry, *split);
      } else {
        fault(entry.string() + ": not one of the folders train, val and test; remove it or leave it out");
      }
    }
    if (splits == 0) {
      throw DataError(root.string() + ": has none of the folders train, val and test; give the folder above them");
    }
  }

  SourceListing take() { return std::move(listing_); }

 private:
  void add_split(const fs::path& folder, Split split) {
    for (const fs::path& entry : sorted_entries(folder)) {
      const auto grade = parse_kl_grade(entry.filename().string());
      if (grade && is_folder(entry)) {
        add_grade(entry, split, *grade);
      } else {
        fault(entry.string() + ": not a grade folder 0, 1, 2, 3 or 4; rename or remove it");
      }
    }
  }

  void add_grade(const fs::path& folder, Split split, KlGrade grade) {
    for (const fs::path& entry : sorted_entries(folder)) {
      const auto name = parse_name(entry.stem().string());
      if (!name || !is_image_name(entry) || is_folder(entry)) {
        fault(entry.string() +
              ": not an image named SUBJECT (7 digits) and SIDE (L or R), such as 9001400L.png; "
              "rename or remove it");
        continue;
      }
      SourceSample sample;
      sample.path = entry;
      sample.id = entry.stem().string();
      sample.split = split;
      sample.kl = grade;
      sample.kl_read = grade;
      sample.side = name->side;
      sample.subject = name->subject;
      sample.source = Source::kMendeley;
      listing_.samples.push_back(std::move(sample));
    }
  }

  void fault(const std::string& message) { report_fault(policy_, message, listing_.skipped); }

  FaultPolicy policy_;
  SourceListing listing_;
};

}  // namespace

SourceListing list_mendeley(const fs::path& folder, FaultPolicy policy) {
  if (!is_folder(folder)) throw IoError(folder.string() + ": no such folder; check the path");
  Lister lister(policy);
  lister.add_root(folder);
  return lister.take();
}

}  // namespace genu::pipeline
