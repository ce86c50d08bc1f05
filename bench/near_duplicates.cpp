// The search for near duplicates, measured.
//   near_duplicates [N]       how long it takes: N random fingerprints (100000), parted 70/15/15
//   near_duplicates DIR       what it finds: the films of a folder in the Mendeley layout against each other and
//                             against altered copies of every tenth
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>

#include "core/random.h"
#include "pipeline/decode/decode_image.h"
#include "pipeline/preprocess/prepare_image.h"
#include "pipeline/source/mendeley.h"
#include "pipeline/split/near_duplicates.h"

namespace {

using namespace genu;
using namespace genu::pipeline;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void measure_time(std::size_t count) {
  RandomStream random(1, 0, "bench.fingerprints");
  std::vector<ImageFingerprint> fingerprints(count);
  std::vector<Split> splits;
  for (auto& fingerprint : fingerprints) {
    for (auto& word : fingerprint.bits) word = random.next_u64();
    for (auto& word : fingerprint.mirrored_bits) word = random.next_u64();
    const double at = random.uniform();
    splits.push_back(at < 0.70 ? Split::kTrain : at < 0.85 ? Split::kVal : Split::kTest);
  }
  const auto start = std::chrono::steady_clock::now();
  const auto pairs = close_pairs(splits, fingerprints, NearDuplicateConfig{}.most_hash_bits);
  std::printf("%zu images: %.2f s, %zu close pairs\n", count, seconds_since(start), pairs.size());
}

cv::Mat as_matrix(DecodedImage& film) { return {film.height_px, film.width_px, CV_8U, film.bytes.data()}; }

PreparedImage prepared(const cv::Mat& grey, std::optional<KneeSide> side) {
  const DecodedImage film{grey.cols, grey.rows, 8, {grey.datastart, grey.dataend}};
  return prepare_image(film, side, PreprocessConfig{});
}

cv::Mat warped(const cv::Mat& grey, double zoom, double degrees, double shift_px) {
  cv::Mat affine = cv::getRotationMatrix2D(
      {static_cast<float>(grey.cols - 1) / 2, static_cast<float>(grey.rows - 1) / 2}, degrees, zoom);
  affine.at<double>(0, 2) += shift_px;
  affine.at<double>(1, 2) += shift_px;
  cv::Mat out;
  cv::warpAffine(grey, out, affine, grey.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  return out;
}

cv::Mat with_gamma(const cv::Mat& grey, double gamma) {
  cv::Mat table(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i)
    table.at<std::uint8_t>(0, i) = cv::saturate_cast<std::uint8_t>(255 * std::pow(i / 255.0, gamma));
  cv::Mat out;
  cv::LUT(grey, table, out);
  return out;
}

struct Alteration {
  std::string name;
  std::function<cv::Mat(const cv::Mat&)> apply;
};

std::vector<Alteration> alterations() {
  const auto made = [](auto f) {
    return [f](const cv::Mat& grey) {
      cv::Mat out;
      f(grey, out);
      return out;
    };
  };
  std::vector<Alteration> all = {{"mirrored", made([](const cv::Mat& a, cv::Mat& b) { cv::flip(a, b, 1); })},
                                 {"CLAHE, clip 5", made([](const cv::Mat& a, cv::Mat& b) {
                                    cv::createCLAHE(5, {8, 8})->apply(a, b);
                                  })},
                                 {"CLAHE, clip 40", made([](const cv::Mat& a, cv::Mat& b) {
                                    cv::createCLAHE(40, {8, 8})->apply(a, b);
                                  })},
                                 {"equalised", made([](const cv::Mat& a, cv::Mat& b) { cv::equalizeHist(a, b); })},
                                 {"gamma 0.6", [](const cv::Mat& a) { return with_gamma(a, 0.6); }},
                                 {"gamma 1.6", [](const cv::Mat& a) { return with_gamma(a, 1.6); }},
                                 {"blurred by 1.5 px", made([](const cv::Mat& a, cv::Mat& b) {
                                    cv::GaussianBlur(a, b, {0, 0}, 1.5);
                                  })},
                                 {"noise of 5 grey levels", made([](const cv::Mat& a, cv::Mat& b) {
                                    cv::Mat noise(a.size(), CV_16S);
                                    cv::RNG(1).fill(noise, cv::RNG::NORMAL, 0, 5);
                                    cv::add(a, noise, b, cv::noArray(), CV_8U);
                                  })},
                                 {"through 128 px", made([](const cv::Mat& a, cv::Mat& b) {
                                    cv::resize(a, b, {128, 128}, 0, 0, cv::INTER_AREA);
                                    cv::resize(b, b, a.size(), 0, 0, cv::INTER_CUBIC);
                                  })}};
  for (const double shift_px : {1.0, 2.0, 4.0, 8.0}) {
    all.push_back({fmt::format("shifted by {} px both ways", shift_px),
                   [shift_px](const cv::Mat& a) { return warped(a, 1, 0, shift_px); }});
  }
  for (const double zoom : {1.01, 1.02, 1.05}) {
    all.push_back({fmt::format("enlarged by {:.0f} %", 100 * (zoom - 1)),
                   [zoom](const cv::Mat& a) { return warped(a, zoom, 0, 0); }});
  }
  for (const double degrees : {1.0, 2.0, 5.0}) {
    all.push_back({fmt::format("turned by {} degrees", degrees),
                   [degrees](const cv::Mat& a) { return warped(a, 1, degrees, 0); }});
  }
  return all;
}

double part_of(std::vector<double> sorted, double part) {
  std::sort(sorted.begin(), sorted.end());
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

struct Film {
  ImageFingerprint fingerprint;
  StructureMap map;
};

Film film_of(const PreparedImage& image) {
  const GreyView view{image.pixels.data(), image.height_px, image.width_px};
  return {image_fingerprint(view), structure_map(view)};
}

void measure_finding(const std::filesystem::path& folder) {
  const NearDuplicateConfig config;
  const auto samples = list_mendeley(folder, FaultPolicy::kSkip).samples;
  std::vector<Film> films;
  std::vector<DecodedImage> decoded;
  for (const auto& sample : samples) {
    decoded.push_back(decode_image_file(sample.path));
    films.push_back(film_of(prepare_image(decoded.back(), sample.side, PreprocessConfig{})));
  }

  // 1. Films that are no copies: every pair.
  int nearest = 256;
  std::size_t candidates = 0;
  double likest = -1;
  for (std::size_t i = 0; i < films.size(); ++i) {
    for (std::size_t k = i + 1; k < films.size(); ++k) {
      const int bits = bits_apart(films[i].fingerprint, films[k].fingerprint);
      nearest = std::min(nearest, bits);
      if (bits > config.most_hash_bits) continue;
      ++candidates;
      likest = std::max(likest, likeness(films[i].map, films[k].map));
    }
  }
  std::printf(
      "%zu films, every pair: nearest %d bits apart, %zu pairs within %d bits, greatest correlation of these %.3f\n",
      films.size(), nearest, candidates, config.most_hash_bits, likest);

  // 2. Altered copies of every tenth.
  std::printf(
      "| copy | bits apart, median | 99th percentile | correlation, median | 1st percentile | caught "
      "|\n|---|---|---|---|---|---|\n");
  for (const Alteration& alteration : alterations()) {
    std::vector<double> bits;
    std::vector<double> alike;
    int caught = 0;
    for (std::size_t i = 0; i < films.size(); i += 10) {
      const Film copy = film_of(prepared(alteration.apply(as_matrix(decoded[i])), samples[i].side));
      bits.push_back(bits_apart(films[i].fingerprint, copy.fingerprint));
      alike.push_back(likeness(films[i].map, copy.map));
      caught += bits.back() <= config.most_hash_bits && alike.back() >= config.least_correlation ? 1 : 0;
    }
    std::printf("| %s | %.0f | %.0f | %.2f | %.2f | %.1f %% |\n", alteration.name.c_str(), part_of(bits, 0.5),
                part_of(bits, 0.99), part_of(alike, 0.5), part_of(alike, 0.01),
                100.0 * caught / static_cast<double>(bits.size()));
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::string argument = argument_count > 1 ? arguments[1] : "100000";
  if (std::filesystem::is_directory(argument)) {
    measure_finding(argument);
  } else {
    measure_time(static_cast<std::size_t>(std::atol(argument.c_str())));
  }
  return 0;
}
