// Fixed numbers of channels side by side, in the compiler's vector types: on AVX-512 sixteen floats are one register,
// on other processors the compiler splits them. Elements are float or bfloat16 (the upper half of a float); arithmetic
// is float.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace genu::train::kernels {

// The bits of a bfloat16.
enum class Bf16 : std::uint16_t {};

template <int kCount>
struct LaneTypes;

template <>
struct LaneTypes<16> {
  typedef float Float __attribute__((vector_size(64)));
  typedef std::int32_t Mask __attribute__((vector_size(64)));
  typedef std::uint32_t Bits __attribute__((vector_size(64)));
  typedef std::uint16_t HalfBits __attribute__((vector_size(32)));
  static Bits widen(HalfBits half) { return __builtin_convertvector(half, Bits); }
  static HalfBits narrow(Bits bits) { return __builtin_convertvector(bits, HalfBits); }
};

template <>
struct LaneTypes<8> {
  typedef float Float __attribute__((vector_size(32)));
  typedef std::int32_t Mask __attribute__((vector_size(32)));
  typedef std::uint32_t Bits __attribute__((vector_size(32)));
  typedef std::uint16_t HalfBits __attribute__((vector_size(16)));
  static Bits widen(HalfBits half) { return __builtin_convertvector(half, Bits); }
  static HalfBits narrow(Bits bits) { return __builtin_convertvector(bits, HalfBits); }
};

template <int kCount>
struct Lanes {
  using Types = LaneTypes<kCount>;
  using Float = typename Types::Float;
  using Mask = typename Types::Mask;
  using Bits = typename Types::Bits;
  using HalfBits = typename Types::HalfBits;

  static Float load(const float* from) {
    Float value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static Float load(const Bf16* from) {
    HalfBits half;
    std::memcpy(&half, from, sizeof half);
    return reinterpret_cast<Float>(Types::widen(half) << 16);
  }
  static void store(Float value, float* to) { std::memcpy(to, &value, sizeof value); }
  // Rounds to the nearest, ties to even.
  static void store(Float value, Bf16* to) {
    const Bits bits = reinterpret_cast<Bits>(value);
    const HalfBits half = Types::narrow((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
    std::memcpy(to, &half, sizeof half);
  }
  static Float zero() { return Float{}; }
  // `value` where the mask is set, else 0.
  static Float keep(Mask mask, Float value) { return reinterpret_cast<Float>(reinterpret_cast<Mask>(value) & mask); }
};

// Calls f(std::integral_constant<int, lanes>, first_channel) for runs of 16 and 8 channels that together cover
// 0 .. channels - 1. Requires a multiple of 8, which the channels of every published network are.
template <class F>
void for_each_run(std::int64_t channels, const F& f) {
  std::int64_t c = 0;
  for (; c + 16 <= channels; c += 16) f(std::integral_constant<int, 16>{}, c);
  for (; c < channels; c += 8) f(std::integral_constant<int, 8>{}, c);
}

}  // namespace genu::train::kernels
