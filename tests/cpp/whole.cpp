// whole_life in one configuration. WHOLE is the name of the function that mixed.cpp calls.
#include "whole.hpp"

extern "C" int WHOLE(const char *url) {
    return whole_life(url);
}
