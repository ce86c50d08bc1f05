// The boundary to the trainer's shared module, which alone links LibTorch and is loaded only when one of its commands
// runs. No exception crosses it.
#pragma once

extern "C" {
// Runs the command arguments[0] ("train", "evaluate", ...). Returns the exit code.
int genu_train_module_run(int argument_count, const char* const* arguments);
}
