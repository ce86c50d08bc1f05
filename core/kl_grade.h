// Kellgren-Lawrence grade of a knee radiograph: 0 none, 1 doubtful, 2 minimal, 3 moderate, 4 severe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace genu {

inline constexpr int kKlGradeCount = 5;

// A grade that is known to lie in 0..4.
class KlGrade {
 public:
  constexpr KlGrade() = default;
  // Throws DataError unless 0 <= value <= 4.
  explicit KlGrade(int value);

  constexpr int value() const { return value_; }
  // "none", "doubtful", "minimal", "moderate", "severe".
  std::string_view name() const;

  friend constexpr bool operator==(KlGrade, KlGrade) = default;
  friend constexpr auto operator<=>(KlGrade, KlGrade) = default;

 private:
  std::uint8_t value_ = 0;
};

// The grade that `text` spells as a single digit, or nothing.
std::optional<KlGrade> parse_kl_grade(std::string_view text);

enum class KneeSide : std::uint8_t { kLeft, kRight };

// "L" or "R".
std::string_view to_string(KneeSide side);
// Accepts L, R, left, right in any case.
std::optional<KneeSide> parse_knee_side(std::string_view text);

}  // namespace genu
