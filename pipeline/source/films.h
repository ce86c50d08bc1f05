// Bilateral PA films of a study with its reading table, as the Osteoarthritis Initiative gives them out: a folder of
// DICOM files (PNG, JPEG, BMP and TIFF are read too), any depth of folders. Each film becomes two samples, a box each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/source/reading_table.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// How the name of a subject whose ID is hashed begins.
inline constexpr std::string_view kHashedSubject = "hashed-";

enum class SubjectIds : std::uint8_t {
  kAsRead,  // the research ID of the reading table
  kHashed,  // kHashedSubject, then the first 16 hexadecimal digits of SHA-256 over salt and ID
};

struct FilmsConfig {
  std::filesystem::path folder;
  std::vector<std::filesystem::path> readings;
  ReadingConfig reading = {};
  SubjectIds subject_ids = SubjectIds::kAsRead;
  std::string salt = {};  // of the hash; keep it secret
  Source source = Source::kOai;
  Split split = Split::kTrain;
  int threads = 0;  // 0 = one a processor; changes speed only
};

// Whose film it is: the DICOM Patient ID, or for other files the digits that their name begins with; either must be an
// ID of the table. Which knee is which: the picture's left half is the patient's right knee, unless the DICOM patient
// orientation says that rows run to the patient's right. A film with laterality R or L shows one knee.
// Faults, each one line: a file that is no picture, a body part other than the knee, no or an unknown ID, a half
// without a knee, a knee without grade, two films of one subject. Knees of the table without film are counted in a
// note. No message holds anything of the DICOM file; `place` and file names are all they say. Throws IoError, DataError
// as ReadingTable::read(), or at the first fault under FaultPolicy::kStop.
SourceListing list_films(const FilmsConfig& config, FaultPolicy policy);

}  // namespace genu::pipeline
