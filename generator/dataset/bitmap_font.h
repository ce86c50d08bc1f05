// A 5 x 7 bitmap font, so that captions are the same bytes on every machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "generator/projection/image.h"

namespace genu::generator {

// Writes capital letters, digits and . - : , / into `image`, top left corner at (x, y), each dot `scale` pixels square.
// Lower case is written as capitals; other characters as spaces.
void draw_text(std::string_view text, int x, int y, int scale, std::uint8_t grey, Image<std::uint8_t>& image);

// Width in pixels of a text.
int text_width(std::string_view text, int scale);

}  // namespace genu::generator
