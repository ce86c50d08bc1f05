// What calcified bodies and grains add to a knee's path lengths.
#pragma once

#include "generator/projection/path_lengths.h"

namespace genu::generator {

// Fabella, loose bodies: an ovoid of bone inside a denser shell, in place of soft tissue.
void add_calcified_body(const CalcifiedBody& body, const ImageFrame& frame, PathLengthMaps& maps);
// Grains of calcified meniscus or cartilage; a grain smaller than a pixel keeps its volume.
void add_calcification(const CalcificationShape& shape, const ImageFrame& frame, PathLengthMaps& maps);

}  // namespace genu::generator
