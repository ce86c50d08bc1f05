// The layout of the Mendeley knee set (doi:10.17632/56rmx5bjcr.1) and of its many copies: SPLIT/GRADE/SUBJECTSIDE.EXT,
// as train/2/9001400L.png. names.h says which spellings of split, grade, subject and side are understood.
#pragma once

#include <filesystem>

#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// Lists the folder without opening the images. Grade folders without split folders above them make one part, train (a
// note says so: `genu split` parts it). Where a folder holds neither but exactly one folder, that one is read. The
// folder auto_test, which repeats test subjects, is left out and listed, as is all else that does not fit the layout.
// Throws IoError if there is no such folder, DataError if it holds neither splits nor grades, or at the first fault
// under FaultPolicy::kStop.
SourceListing list_mendeley(const std::filesystem::path& folder, FaultPolicy policy);

// What a file's name need not say.
enum class Naming : std::uint8_t {
  kSubjectAndSide,  // a name without subject and side is a fault
  kAny,             // such a file is its own subject and has no side
};

// The files of one folder of grade folders, all in `split`.
SourceListing list_grade_folders(const std::filesystem::path& folder, Split split, Naming naming, FaultPolicy policy);

}  // namespace genu::pipeline
