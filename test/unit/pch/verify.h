// Precompiled for the tests of verify/: the whole of what a scene needs.
#include "test/unit/pch/unit.h"
#include "test/unit/verify/scene.h"
