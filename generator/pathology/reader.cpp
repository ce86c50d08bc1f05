#include <array>

#include "generator/pathology/disease.h"

namespace genu::generator {

namespace {

using Confusion = std::array<std::array<double, kKlGradeCount>, kKlGradeCount>;

// P(recorded | rendered), spec 4.2, checked there against published agreement.
constexpr Confusion kAdjudicatedRows = {{{.90, .08, .02, 0, 0},
                                         {.17, .66, .16, .01, 0},
                                         {.02, .09, .82, .07, 0},
                                         {0, .01, .07, .89, .03},
                                         {0, 0, 0, .06, .94}}};
constexpr Confusion kExperiencedRows = {{{.80, .15, .05, 0, 0},
                                         {.27, .48, .23, .02, 0},
                                         {.05, .16, .67, .12, 0},
                                         {0, .01, .13, .79, .07},
                                         {0, 0, .01, .09, .90}}};
constexpr Confusion kMixedRows = {{{.62, .24, .13, .01, 0},
                                   {.25, .38, .33, .04, 0},
                                   {.06, .18, .56, .20, 0},
                                   {0, .03, .20, .66, .11},
                                   {0, 0, .02, .16, .82}}};

}  // namespace

KlGrade simulate_reading(KlGrade truth, ReaderLevel level, RandomStream& stream) {
  const auto row = static_cast<std::size_t>(truth.value());
  switch (level) {
    case ReaderLevel::kPerfect:
      return truth;
    case ReaderLevel::kAdjudicated:
      return KlGrade(static_cast<int>(stream.categorical(kAdjudicatedRows[row])));
    case ReaderLevel::kExperienced:
      return KlGrade(static_cast<int>(stream.categorical(kExperiencedRows[row])));
    case ReaderLevel::kMixed:
      return KlGrade(static_cast<int>(stream.categorical(kMixedRows[row])));
  }
  return truth;
}

}  // namespace genu::generator
