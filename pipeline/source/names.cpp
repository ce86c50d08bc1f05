#include "pipeline/source/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Lower case without separators: "KL-grade 2" -> "klgrade2".
std::string compact(std::string_view name) {
  std::string out;
  for (const char c : lower_case(name)) {
    if (c != ' ' && c != '_' && c != '-' && c != '.') out += c;
  }
  return out;
}

std::optional<int> grade_of_word(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, int>, 9> kWords = {{{"normal", 0},
                                                                              {"none", 0},
                                                                              {"no", 0},
                                                                              {"healthy", 0},
                                                                              {"doubtful", 1},
                                                                              {"mild", 2},
                                                                              {"minimal", 2},
                                                                              {"moderate", 3},
                                                                              {"severe", 4}}};
  for (const auto& [text, grade] : kWords) {
    if (text == word) return grade;
  }
  return std::nullopt;
}

// A whole number with nothing but zeros behind its point, as spreadsheets write it: "2.0" -> "2".
std::string_view without_zero_decimals(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos || point == 0 || point + 1 == text.size()) return text;
  const std::string_view decimals = text.substr(point + 1);
  const bool zeros = std::all_of(decimals.begin(), decimals.end(), [](char c) { return c == '0'; });
  const bool digits = std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(point), is_digit);
  return zeros && digits ? text.substr(0, point) : text;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

std::optional<KlGrade> parse_grade_name(std::string_view name) {
  // "-1" is how many tables write that there is no grade.
  if (name.empty() || !is_letter_or_digit(name.front()) || !is_letter_or_digit(name.back())) return std::nullopt;
  const std::string text = compact(without_zero_decimals(name));
  std::string_view rest = text;
  for (const std::string_view prefix : {"klgrade", "grade", "kl", "g"}) {
    if (rest.starts_with(prefix) && rest.size() > prefix.size() && is_digit(rest[prefix.size()])) {
      rest.remove_prefix(prefix.size());
      break;
    }
  }
  if (rest.empty()) return std::nullopt;
  if (!is_digit(rest.front())) {
    const auto grade = grade_of_word(rest);
    return grade ? std::optional(KlGrade(*grade)) : std::nullopt;
  }
  const auto digit = parse_kl_grade(rest.substr(0, 1));
  const std::string_view word = rest.substr(1);
  if (!digit || word.empty()) return digit;
  return grade_of_word(word) == digit->value() ? digit : std::nullopt;
}

std::optional<Split> parse_split_name(std::string_view name) {
  const std::string text = lower_case(name);
  if (text == "train" || text == "training") return Split::kTrain;
  if (text == "val" || text == "valid" || text == "validation") return Split::kVal;
  if (text == "test" || text == "testing") return Split::kTest;
  return std::nullopt;
}

bool is_auto_test_name(std::string_view name) { return compact(name) == "autotest"; }

std::optional<KneeName> parse_knee_name(std::string_view stem) {
  constexpr std::size_t kDigits = 7;
  if (stem.size() <= kDigits || !std::all_of(stem.begin(), stem.begin() + kDigits, is_digit)) return std::nullopt;
  const std::string_view rest = stem.substr(kDigits);
  const bool original = rest.front() == '_' && rest.size() > 1;
  const std::size_t at = original ? 1 : 0;
  if (rest.size() > at + 1 && is_letter_or_digit(rest[at + 1])) return std::nullopt;
  const char c = rest[at];
  const bool right = c == 'R' || (original && c == '1');
  const bool left = c == 'L' || (original && c == '2');
  if (!right && !left) return std::nullopt;
  return KneeName{std::string(stem.substr(0, kDigits)), left ? KneeSide::kLeft : KneeSide::kRight};
}

void take_from_name(SourceSample& sample, const std::string& place) {
  const std::filesystem::path path = sample.path;
  const auto name = parse_knee_name(path.stem().string());
  if (!name) return;
  if (sample.side && *sample.side != name->side) {
    throw DataError(fmt::format("{}: side is {}, but the file is called {}; correct one", place,
                                to_string(*sample.side), path.filename().string()));
  }
  if (!sample.subject.empty() && sample.subject != name->subject) {
    throw DataError(fmt::format("{}: subject is {}, but the file is called {}; correct one", place, sample.subject,
                                path.filename().string()));
  }
  sample.side = name->side;
  sample.subject = name->subject;
}

void note_own_subjects(const std::filesystem::path& table, SourceListing& listing) {
  const bool any = std::any_of(listing.samples.begin(), listing.samples.end(),
                               [](const SourceSample& sample) { return sample.subject == sample.id; });
  if (!any) return;
  listing.notes.push_back(table.string() +
                          ": no subject column; each image counts as a subject, so both knees of a person may come "
                          "into two splits");
}

bool is_image_name(const std::filesystem::path& path) {
  static constexpr std::array<std::string_view, 6> kExtensions = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"};
  const std::string extension = lower_case(path.extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

}  // namespace genu::pipeline
