#include "pipeline/decode/imgcodecs_module.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <stdexcept>

namespace {

cv::Mat decode_grey(const std::uint8_t* bytes, std::size_t size) {
  const cv::Mat packed(1, static_cast<int>(size), CV_8U, const_cast<std::uint8_t*>(bytes));
  cv::Mat image = cv::imdecode(packed, cv::IMREAD_ANYCOLOR | cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION);
  if (image.empty()) throw std::runtime_error("damaged or of an unknown variant");
  if (image.depth() != CV_8U && image.depth() != CV_16U) throw std::runtime_error("neither 8 nor 16 bits a sample");
  if (image.channels() == 3) cv::cvtColor(image, image, cv::COLOR_BGR2GRAY);
  if (image.channels() != 1) throw std::runtime_error("neither grey nor RGB");
  return image.isContinuous() ? image : image.clone();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int genu_imgcodecs_decode(const std::uint8_t* bytes, std::size_t size,
                                                                            GenuImgcodecsImage* image, char* message,
                                                                            std::size_t message_size) {
  try {
    const cv::Mat grey = decode_grey(bytes, size);
    const std::size_t total = grey.total() * grey.elemSize();
    auto* copy = static_cast<std::uint8_t*>(std::malloc(total));
    if (copy == nullptr) throw std::runtime_error("out of memory");
    std::memcpy(copy, grey.data, total);
    *image = {grey.cols, grey.rows, grey.depth() == CV_16U ? 16 : 8, copy};
    return 0;
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return 1;
  }
}
