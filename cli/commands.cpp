#include "cli/commands.h"

namespace genu::cli {

std::vector<Command> data_commands() {
  return {
#ifdef GENU_WITH_IMAGES
      generate_command(), calibrate_command(), ingest_command(),  split_command(), shard_command(),
#endif
      verify_command(),   inspect_command(),   compare_command(),
  };
}

std::vector<std::pair<std::string, std::string>> train_command_summaries() {
  return {{"train", "fit a grader on shards"},
          {"crossval", "k folds or repeated runs, with mean and SD"},
          {"evaluate", "full metric report of a checkpoint on one split of the shards"},
          {"export", "a checkpoint as a small folder to ship"},
          {"predict", "grade image files with a checkpoint"},
          {"explain", "Grad-CAM: overlays, and their score against synthetic truth"}};
}

}  // namespace genu::cli
