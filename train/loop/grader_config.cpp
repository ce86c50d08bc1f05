#include "train/loop/grader_config.h"

namespace genu::train {

void GraderConfig::list_fields(FieldList& fields) {
  fields.section("model", model, "the network");
  fields.add("class_count", class_count, Range{2, 1000}, "outputs of the network");
  fields.add("size_px", size_px, Range{1, 4096}, "width of the network input, and its height before rows are cut out");
  fields.section("rows", rows, "the part of the height that is shown");
  fields.choice("normalisation", normalisation, pipeline::normalisation_words(), "grey levels to network input");
  fields.add("mean_grey", mean_grey, Range{0.0, 255.0}, "mean of the training pixels");
  fields.add("sd_grey", sd_grey, Range{0.0, 255.0}, "SD of the training pixels");
  fields.add("flip_average", flip_average, "average image and mirror image");
  fields.choice("decoding", decoding, decoding_words(), "network outputs to probabilities of the grades");
  fields.add("preprocess", preprocess, "what turned films into the stored pixels, YAML text");
  fields.add("shards_sha256", shards_sha256, "hash of the shards' index that the weights were trained on");
  fields.add("chosen_samples", chosen_samples, "trained on a fold of genu crossval, whose samples may be of any split");
  fields.add("temperature", temperature, Range{0.01, 100.0}, "of an exported grader: scales its probabilities");
  fields.add("distance_limit", distance_limit, Range{0.0, 1e9},
             "of an exported grader: pictures with features farther from knees' are not graded");
  fields.add("weights_sha256", weights_sha256, "of an exported grader: hash of model.safetensors");
  fields.add("knees_sha256", knees_sha256, "of an exported grader: hash of knees.safetensors");
}

}  // namespace genu::train
