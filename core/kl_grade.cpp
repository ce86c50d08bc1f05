#include "core/kl_grade.h"

#include <array>
#include <cctype>
#include <string>

#include "core/errors.h"

namespace genu {

KlGrade::KlGrade(int value) {
  if (!(value >= 0 && value < kKlGradeCount)) {
    throw DataError("KL grade " + std::to_string(value) + " is outside 0..4");
  }
  value_ = static_cast<std::uint8_t>(value);
}

std::string_view KlGrade::name() const {
  static constexpr std::array<std::string_view, kKlGradeCount> kNames = {"none", "doubtful", "minimal", "moderate",
                                                                         "severe"};
  return kNames[value_];
}

std::optional<KlGrade> parse_kl_grade(std::string_view text) {
  if (text.size() != 1 || text[0] < '0' || text[0] > '4') return std::nullopt;
  return KlGrade(text[0] - '0');
}

std::string_view to_string(KneeSide side) { return side == KneeSide::kLeft ? "L" : "R"; }

std::optional<KneeSide> parse_knee_side(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "l" || lower == "left") return KneeSide::kLeft;
  if (lower == "r" || lower == "right") return KneeSide::kRight;
  return std::nullopt;
}

}  // namespace genu
