// Quality of every picture of a listing, as `genu ingest` writes it into the manifest.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "pipeline/source/manifest.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

struct ListingQuality {
  QualityCells cells;                        // one row a sample that is left
  std::map<std::string, std::size_t> flags;  // how many pictures raise each
};

// Decodes and measures in parallel; a picture that cannot be decoded is a fault and is taken out of the listing.
// Needs the samples' sha256. Throws DataError at the first fault under FaultPolicy::kStop.
ListingQuality measure_listing(SourceListing& listing, FaultPolicy policy);

}  // namespace genu::pipeline
