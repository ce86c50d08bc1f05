#include "core/progress.h"

#include <gtest/gtest.h>

namespace genu {
namespace {

TEST(Progress, LineShowsRateAndTimeLeft) {
  EXPECT_EQ(progress_line("render", 500, 1500, "images", 1.0, "seed 1"),
            "render 500/1500 [======              ] 500 images/s, 0:02 left, seed 1");
  EXPECT_EQ(progress_line("train", 0, 10, "steps", 0.0, ""), "train 0/10 [                    ] 0.0 steps/s, ? left");
  EXPECT_NE(progress_line("x", 1, 7201, "steps", 1.0, "").find("2:00:00 left"), std::string::npos);
}

}  // namespace
}  // namespace genu
