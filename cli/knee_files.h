// Image files of one knee each, prepared as a checkpoint's training films were: for predict and explain.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/kl_grade.h"
#include "pipeline/preprocess/prepare_image.h"
#include "train/loop/grader_config.h"

namespace genu::cli {

// What --side says of this file. `choice` is auto, left, right or unknown.
std::optional<KneeSide> side_of(const std::filesystem::path& file, const std::string& choice);

// Of a checkpoint; `name` begins its messages. Throws DataError where it is damaged.
pipeline::PreprocessConfig preprocess_of(const train::GraderConfig& grader, const std::string& name);

}  // namespace genu::cli
