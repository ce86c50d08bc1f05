#include "train/losses/loss_config.h"

namespace genu::train {

std::vector<std::pair<std::string, Decoding>> decoding_words() {
  return {{"softmax", Decoding::kSoftmax}, {"corn", Decoding::kCorn}, {"cumulative", Decoding::kCumulative}};
}

void LossConfig::list_fields(FieldList& fields) {
  fields.choice("kind", kind,
                {{"cross_entropy", LossKind::kCrossEntropy},
                 {"focal", LossKind::kFocal},
                 {"ordinal_distance", LossKind::kOrdinalDistance},
                 {"soft_ordinal", LossKind::kSoftOrdinal},
                 {"corn", LossKind::kCorn},
                 {"cumulative", LossKind::kCumulative}},
                "training loss; corn and cumulative need model.head: ordinal");
  fields.add("gamma", gamma, Range{0.0, 10.0}, "focal: how strongly easy samples are played down; 0 = not at all");
  fields.add("class_weights", class_weights, Range{0.0, 1e6}, Range<int>{0, 1000},
             "one weight a grade (focal: alpha), or an empty list for none");
  fields.add("label_smoothing", label_smoothing, Range{0.0, 0.99},
             "share of the target spread over all grades; cross_entropy and focal only");
  fields.add("distance_weight", distance_weight, Range{0.0, 1000.0},
             "ordinal_distance: what each grade of distance adds to the weight of a wrong grade's probability");
  fields.add("sharpness", sharpness, Range{0.01, 1000.0},
             "soft_ordinal: the target falls as exp(-sharpness * distance in grades)");
}

Decoding decoding_of(LossKind kind) {
  switch (kind) {
    case LossKind::kCorn:
      return Decoding::kCorn;
    case LossKind::kCumulative:
      return Decoding::kCumulative;
    default:
      return Decoding::kSoftmax;
  }
}

}  // namespace genu::train
