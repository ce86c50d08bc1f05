// The layout of the Mendeley knee set (doi:10.17632/56rmx5bjcr.1): SPLIT/GRADE/SUBJECTSIDE.EXT, where SPLIT is train,
// val or test, GRADE 0-4, SUBJECT seven digits and SIDE L or R: train/2/9001400L.png.
#pragma once

#include <filesystem>

#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// Lists the folder without opening the images. The folder auto_test, which repeats test subjects, is left out and
// listed, as is everything else that does not fit the layout.
// Throws IoError if there is no such folder, DataError if it holds none of the splits, or at the first fault under
// FaultPolicy::kStop.
SourceListing list_mendeley(const std::filesystem::path& folder, FaultPolicy policy);

}  // namespace genu::pipeline
