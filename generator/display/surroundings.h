// What the edge of a crop shows beside the leg: the border of the collimated field and a lead side letter. Both
// saturate whatever the film's look-up, so they are laid over the developed picture and move nothing else.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/config.h"
#include "core/kl_grade.h"
#include "core/random.h"
#include "generator/display/display.h"
#include "generator/projection/canvas.h"
#include "generator/projection/image.h"

namespace genu::generator {

struct SurroundingsConfig {
  double collimation_share = 0.05;  // spec 5.3
  double marker_share = 0.03;       // spec 5.3
  void list_fields(FieldList& fields);
};

// Unexposed film is white; a display shutter blackens it.
enum class Border { kNone, kBlack, kWhite };
enum class PictureSide { kMedial, kLateral, kUpper, kLower };
// "" for none, "black", "white".
std::string_view to_string(Border border);
// "medial", "lateral", "upper", "lower".
std::string_view to_string(PictureSide side);

struct Surroundings {
  Border border = Border::kNone;
  PictureSide border_side = PictureSide::kUpper;
  double border_share = 0.05;     // of the picture's width that the border takes, at its middle
  double border_tilt_deg = 0;     // of its edge against the picture's
  double border_softness_px = 2;  // of its edge, in a picture of 224 px
  double marker_mm = 0;           // height of the side letter; 0: none
  double marker_margin_mm = 4;    // from the picture's upper and lateral edges
  double marker_tilt_deg = 0;
  bool operator==(const Surroundings&) const = default;
};

// What the letter and the border would be is drawn for every film, so that a dial can show them.
Surroundings sample_surroundings(const SurroundingsConfig& config, RandomStream& stream);

struct PicturePlace {
  KneeSide side = KneeSide::kLeft;
  double pixel_spacing_mm = 0.4;
};

// Lays border and letter over `grey`, 0 .. 255. `canvas` has the picture's size; its content is lost.
void draw_surroundings(const Surroundings& surroundings, const PicturePlace& place, Polarity polarity, Canvas& canvas,
                       Image<float>& grey);
// Label 0 where the border hides the knee. A letter keeps what lies under it.
void hide_labels(const Surroundings& surroundings, const PicturePlace& place, Image<std::uint8_t>& labels);

}  // namespace genu::generator
