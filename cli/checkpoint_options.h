// What the commands that grade with a checkpoint have in common.
#pragma once

#include <string>

#include "cli/command.h"
#include "core/run_record.h"
#include "train/loop/grader.h"

namespace genu::cli {

// --checkpoint of a command that takes the grader which ships where none is named.
void add_checkpoint_option(CLI::App& app, std::string& checkpoint);
// `checkpoint`, or default_model()'s.
train::Grader load_grader(const std::string& checkpoint);

// --grade-anyway
void add_anyway_option(CLI::App& app, bool& anyway);
// Why a file whose features are this far from knees' is not graded. Requires a grader with a limit.
std::string stranger_message(const std::string& file, double distance, const train::Grader& grader);

// --device: auto, cpu or cuda.
void add_device_option(CLI::App& app, std::string& device);
// Requires one of train::device_words().
train::DeviceChoice device_named(const std::string& word);

// The hash of the checkpoint's weights into run.json.
void add_checkpoint(RunRecord& record, const train::Grader& grader);

}  // namespace genu::cli
