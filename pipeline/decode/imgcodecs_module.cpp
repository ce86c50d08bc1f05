#include "pipeline/decode/imgcodecs_module.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <vector>

#include "pipeline/decode/decode_image.h"

namespace {

double colour_percent(const cv::Mat& image) {
  std::vector<cv::Mat> channels;
  cv::split(image, channels);
  const cv::Mat most = cv::max(cv::max(channels[0], channels[1]), channels[2]);
  const cv::Mat least = cv::min(cv::min(channels[0], channels[1]), channels[2]);
  const int visible = genu::pipeline::kVisibleColour_grey << (image.depth() == CV_16U ? 8 : 0);
  return 100.0 * cv::countNonZero(most - least > visible) / static_cast<double>(image.total());
}

struct GreyPicture {
  cv::Mat grey;
  double colour_percent = 0;
};

GreyPicture decode_grey(const std::uint8_t* bytes, std::size_t size) {
  const cv::Mat packed(1, static_cast<int>(size), CV_8U, const_cast<std::uint8_t*>(bytes));
  cv::Mat image = cv::imdecode(packed, cv::IMREAD_ANYCOLOR | cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION);
  if (image.empty()) throw std::runtime_error("damaged or of an unknown variant");
  if (image.depth() != CV_8U && image.depth() != CV_16U) throw std::runtime_error("neither 8 nor 16 bits a sample");
  double colour = 0;
  if (image.channels() == 3) {
    colour = colour_percent(image);
    cv::cvtColor(image, image, cv::COLOR_BGR2GRAY);
  }
  if (image.channels() != 1) throw std::runtime_error("neither grey nor RGB");
  return {image.isContinuous() ? image : image.clone(), colour};
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int genu_imgcodecs_decode(const std::uint8_t* bytes, std::size_t size,
                                                                            GenuImgcodecsImage* image, char* message,
                                                                            std::size_t message_size) {
  try {
    const auto [grey, colour] = decode_grey(bytes, size);
    const std::size_t total = grey.total() * grey.elemSize();
    auto* copy = static_cast<std::uint8_t*>(std::malloc(total));
    if (copy == nullptr) throw std::runtime_error("out of memory");
    std::memcpy(copy, grey.data, total);
    *image = {grey.cols, grey.rows, grey.depth() == CV_16U ? 16 : 8, copy, colour};
    return 0;
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return 1;
  }
}
