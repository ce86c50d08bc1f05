// What the commands that grade with a checkpoint have in common.
#pragma once

#include <string>

#include "cli/command.h"
#include "core/run_record.h"
#include "train/loop/grader.h"

namespace genu::cli {

// --device: auto, cpu or cuda.
void add_device_option(CLI::App& app, std::string& device);
// Requires one of train::device_words().
train::DeviceChoice device_named(const std::string& word);

// The hash of the checkpoint's weights into run.json.
void add_checkpoint(RunRecord& record, const train::Grader& grader);

}  // namespace genu::cli
