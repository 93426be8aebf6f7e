"""Holds memory of the first GPU that it sees, and keeps it busy: MiB, then seconds. Needs the driver alone."""

import ctypes
import sys
import time

cuda = ctypes.CDLL("libcuda.so.1")


def check(code, what):
    if code != 0:
        sys.exit(f"{what} failed with CUDA error {code}")


mebibytes, seconds = int(sys.argv[1]), float(sys.argv[2])
device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
size = ctypes.c_size_t(mebibytes * 1024**2)
check(cuda.cuInit(0), "cuInit")
check(cuda.cuDeviceGet(ctypes.byref(device), 0), "cuDeviceGet")
check(cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device), "cuCtxCreate")
check(cuda.cuMemAlloc_v2(ctypes.byref(memory), size), "cuMemAlloc")
print(f"holding {mebibytes} MiB", flush=True)
end = time.monotonic() + seconds
while time.monotonic() < end:
    check(cuda.cuMemsetD8_v2(memory, 0, size), "cuMemsetD8")
    check(cuda.cuCtxSynchronize(), "cuCtxSynchronize")
check(cuda.cuMemFree_v2(memory), "cuMemFree")
