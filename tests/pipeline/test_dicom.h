// DICOM files made from numbers, as explicit VR little endian, byte by byte: no library between test and decoder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace genu::pipeline {

struct TestDicom {
  int rows = 2;
  int columns = 3;
  int bits_allocated = 16;
  int bits_stored = 12;
  bool is_signed = false;
  std::string photometric = "MONOCHROME2";
  std::vector<std::uint16_t> stored;  // rows * columns codes; empty = no pixel data
  std::uint16_t samples_per_pixel = 1;
  // Any other text attributes as {group << 16 | element, {VR, value}}.
  std::vector<std::pair<std::uint32_t, std::pair<std::string, std::string>>> texts;
  std::vector<std::uint16_t> voi_lut;  // entries of 16 bits; the first belongs to input `voi_lut_first`
  std::uint16_t voi_lut_first = 0;
  std::vector<std::uint16_t> padding;  // Pixel Padding Value and, if there are two, Range Limit
};

std::vector<std::uint8_t> encode_dicom(const TestDicom& film);
void write_dicom(const std::filesystem::path& path, const TestDicom& film);

}  // namespace genu::pipeline
