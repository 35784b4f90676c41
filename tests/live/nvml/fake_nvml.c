/* A libnvidia-ml.so.1 that answers from a file of readings, so that the real pynvml can be tested without a GPU.
 *
 * FAKE_NVML_READINGS names the file. A line is TARGET <tab> KEY <tab> VALUE; lines that start with # are comments.
 * Targets: system, gpu0, gpu0/link3, gpu0/mig1, vgpu7; a number may be *, which the exact target overrides.
 * A value `!15` makes the call return that nvmlReturn_t, `hang` never return, `crash` end the process. A key that is
 * not there is NVML_ERROR_NOT_SUPPORTED; the key `all` stands for every call on its target.
 *
 * -DOLD_DRIVER leaves out what came after driver 470. Signatures and structures are those of nvml.h (NVML API reference, driver 550); only what the two readers call is here.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned int uint;
typedef unsigned long long ull;
enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, CORRUPTED_INFOROM = 14 };

typedef struct { char target[32], key[40], value[160]; } Line;
typedef struct { char exact[32], any[32], wild[32]; } Device;

static Line lines[8192];
static int line_count = -1;
static Device devices[1024];
static int device_count;

static int matches(const Device *d, int rank, const Line *l, const char *key) {
    const char *names[] = {d->exact, d->any, d->wild};
    return strcmp(l->target, names[rank]) == 0 && strcmp(l->key, key) == 0;
}

/* The n-th value of a key: of gpu0/link1, else of gpu0/link*, else of gpu*\/link*. */
static const char *find(const Device *d, const char *key, int n) {
    for (int rank = 0; rank < 3; rank++) {
        int seen = 0, any = 0;
        for (int i = 0; i < line_count; i++)
            if (matches(d, rank, &lines[i], key)) {
                any = 1;
                if (seen++ == n) return lines[i].value;
            }
        if (any) return NULL;
    }
    return NULL;
}

static uint fault(const char *value) {
    if (value && strcmp(value, "hang") == 0)
        for (;;) pause();
    if (value && strcmp(value, "crash") == 0) raise(SIGSEGV);
    return value && value[0] == '!' ? (uint)atoi(value + 1) : SUCCESS;
}

static uint text(const Device *d, const char *key, const char **out) {
    if (line_count < 0) return UNINITIALIZED;
    uint failed = fault(find(d, "all", 0));
    if (failed) return failed;
    *out = find(d, key, 0);
    return *out ? fault(*out) : NOT_SUPPORTED;
}

static uint number(const Device *d, const char *key, ull *out) {
    const char *value;
    uint failed = text(d, key, &value);
    if (!failed) *out = strtoull(value, NULL, 0);
    return failed;
}

static uint number32(const Device *d, const char *key, uint *out) {
    ull wide;
    uint failed = number(d, key, &wide);
    if (!failed) *out = (uint)wide;
    return failed;
}

static uint copied(const Device *d, const char *key, char *out, uint size) {
    const char *value;
    uint failed = text(d, key, &value);
    if (failed) return failed;
    if (strlen(value) >= size) return INSUFFICIENT_SIZE;
    strcpy(out, value);
    return SUCCESS;
}

static Device *device(const char *exact, const char *any, const char *wild) {
    for (int i = 0; i < device_count; i++)
        if (strcmp(devices[i].exact, exact) == 0) return &devices[i];
    Device *d = &devices[device_count++ % 1024];
    snprintf(d->exact, sizeof d->exact, "%s", exact);
    snprintf(d->any, sizeof d->any, "%s", any);
    snprintf(d->wild, sizeof d->wild, "%s", wild);
    return d;
}

static Device *gpu(uint index) {
    char exact[32];
    snprintf(exact, sizeof exact, "gpu%u", index);
    return device(exact, "gpu*", "gpu*");
}

static Device *part(const Device *d, const char *kind, uint index) {
    char exact[32], any[32], wild[32];
    snprintf(exact, sizeof exact, "%.15s/%s%u", d->exact, kind, index);
    snprintf(any, sizeof any, "%.15s/%s*", d->exact, kind);
    snprintf(wild, sizeof wild, "gpu*/%s*", kind);
    return device(exact, any, wild);
}

static Device *vgpu(uint id) {
    char exact[32];
    snprintf(exact, sizeof exact, "vgpu%u", id);
    return device(exact, "vgpu*", "vgpu*");
}

static Device *machine(void) { return device("system", "system", "system"); }

static void load(void) {
    const char *path = getenv("FAKE_NVML_READINGS");
    FILE *file = path ? fopen(path, "r") : NULL;
    char row[256];
    line_count = 0;
    while (file && line_count < 8192 && fgets(row, sizeof row, file)) {
        Line *l = &lines[line_count];
        if (row[0] != '#' && sscanf(row, "%31[^\t]\t%39[^\t]\t%159[^\n]", l->target, l->key, l->value) == 3) line_count++;
    }
    if (file) fclose(file);
}

/* ---- system ---- */
uint nvmlInitWithFlags(uint flags) {
    (void)flags;
    load();
    uint failed = fault(find(machine(), "init", 0));
    if (failed) line_count = -1;
    return failed;
}
uint nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
uint nvmlShutdown(void) { line_count = -1; return SUCCESS; }
const char *nvmlErrorString(uint code) { (void)code; return "an error of the fake library"; }
uint nvmlSystemGetDriverVersion(char *out, uint size) { return copied(machine(), "driver", out, size); }
uint nvmlSystemGetCudaDriverVersion(int *out) { return number32(machine(), "cuda", (uint *)out); }
uint nvmlSystemGetCudaDriverVersion_v2(int *out) { return nvmlSystemGetCudaDriverVersion(out); }
uint nvmlDeviceGetCount_v2(uint *out) { return number32(machine(), "count", out); }
uint nvmlDeviceGetHandleByIndex_v2(uint index, Device **out) {
    uint count = 0;
    nvmlDeviceGetCount_v2(&count);
    if (index >= count) return INVALID_ARGUMENT;
    *out = gpu(index);
    return fault(find(*out, "handle", 0));
}

/* ---- one text or number of a board ---- */
#define TEXT(NAME, KEY) uint NAME(Device *d, char *out, uint size) { return copied(d, KEY, out, size); }
#define UINT(NAME, KEY) uint NAME(Device *d, uint *out) { return number32(d, KEY, out); }
#define WIDE(NAME, KEY) uint NAME(Device *d, ull *out) { return number(d, KEY, out); }
TEXT(nvmlDeviceGetName, "name")
TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetSerial, "serial")
TEXT(nvmlDeviceGetVbiosVersion, "vbios")
uint nvmlDeviceGetGspFirmwareVersion(Device *d, char *out) { return copied(d, "gsp", out, 64); }
UINT(nvmlDeviceGetPowerUsage, "power_mw")
UINT(nvmlDeviceGetEnforcedPowerLimit, "power_limit_mw")
UINT(nvmlDeviceGetPowerManagementDefaultLimit, "power_default_limit_mw")
WIDE(nvmlDeviceGetTotalEnergyConsumption, "energy_mj")
UINT(nvmlDeviceGetPerformanceState, "performance_state")
UINT(nvmlDeviceGetPersistenceMode, "persistence")
UINT(nvmlDeviceGetComputeMode, "compute_mode")
UINT(nvmlDeviceGetRetiredPagesPendingStatus, "retire_pending")
WIDE(nvmlDeviceGetVirtualizationMode, "virtualization")
UINT(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_generation")
UINT(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width")
UINT(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_max_generation")
UINT(nvmlDeviceGetMaxPcieLinkWidth, "pcie_max_width")
UINT(nvmlDeviceGetPcieReplayCounter, "pcie_replays")
#ifndef OLD_DRIVER
WIDE(nvmlDeviceGetCurrentClocksEventReasons, "event_reasons")
#endif
WIDE(nvmlDeviceGetCurrentClocksThrottleReasons, "throttle_reasons")
UINT(nvmlDeviceGetMaxMigDeviceCount, "max_mig")
UINT(nvmlDeviceGetGpuInstanceId, "gpu_instance")
UINT(nvmlDeviceGetComputeInstanceId, "compute_instance")

/* ---- several values of a board ---- */
typedef struct { char legacy[16]; uint domain, bus, device, id, subsystem; char bus_id[32]; } PciInfo;
uint nvmlDeviceGetPciInfo_v3(Device *d, PciInfo *out) {
    memset(out, 0, sizeof *out);
    return copied(d, "pci_address", out->bus_id, sizeof out->bus_id);
}

typedef struct { ull total, free, used; } Memory;
typedef struct { uint version; ull total, reserved, free, used; } Memory2;
uint nvmlDeviceGetMemoryInfo(Device *d, Memory *out) {
    ull reserved = 0;
    uint failed = number(d, "memory_total_bytes", &out->total);
    if (!failed) failed = number(d, "memory_used_bytes", &out->used);
    number(d, "memory_reserved_bytes", &reserved);
    out->used += reserved; /* the first version counts what the driver keeps as used */
    out->free = out->total - out->used;
    return failed;
}
#ifndef OLD_DRIVER
uint nvmlDeviceGetMemoryInfo_v2(Device *d, Memory2 *out) {
    uint failed = number(d, "memory_reserved_bytes", &out->reserved);
    if (!failed) failed = number(d, "memory_total_bytes", &out->total);
    if (!failed) failed = number(d, "memory_used_bytes", &out->used);
    out->free = out->total - out->used - out->reserved;
    return failed;
}
#endif

typedef struct { uint gpu, memory; } Utilization;
uint nvmlDeviceGetUtilizationRates(Device *d, Utilization *out) {
    uint failed = number32(d, "gpu_percent", &out->gpu);
    return failed ? failed : number32(d, "memory_percent", &out->memory);
}
uint nvmlDeviceGetClockInfo(Device *d, uint kind, uint *out) {
    return kind > 3 ? INVALID_ARGUMENT : number32(d, kind == 2 ? "memory_clock_mhz" : "sm_clock_mhz", out);
}
uint nvmlDeviceGetMaxClockInfo(Device *d, uint kind, uint *out) {
    return kind == 1 ? number32(d, "sm_clock_max_mhz", out) : NOT_SUPPORTED;
}
uint nvmlDeviceGetTemperature(Device *d, uint sensor, uint *out) {
    return sensor ? INVALID_ARGUMENT : number32(d, "temperature_c", out);
}
#ifndef OLD_DRIVER
typedef struct { uint version, sensor; int celsius; } Temperature;
uint nvmlDeviceGetTemperatureV(Device *d, Temperature *out) {
    return out->sensor ? INVALID_ARGUMENT : number32(d, "temperature_v_c", (uint *)&out->celsius);
}
#endif
uint nvmlDeviceGetTemperatureThreshold(Device *d, uint which, uint *out) {
    if (which == 2) return number32(d, "memory_max_c", out);
    return which == 1 ? number32(d, "slowdown_c", out) : NOT_SUPPORTED;
}
static uint modes(Device *d, const char *key, const char *later, uint *now, uint *pending) {
    uint failed = number32(d, key, now);
    *pending = failed ? 0 : *now;
    number32(d, later, pending); /* as it is, unless the file tells otherwise */
    return failed;
}
uint nvmlDeviceGetEccMode(Device *d, uint *now, uint *pending) {
    return modes(d, "ecc_enabled", "ecc_pending", now, pending);
}
uint nvmlDeviceGetTotalEccErrors(Device *d, uint uncorrected, uint aggregate, ull *out) {
    static const char *keys[] = {"ecc_volatile_corrected", "ecc_volatile_uncorrected", "ecc_aggregate_corrected",
                                 "ecc_aggregate_uncorrected"};
    return number(d, keys[aggregate % 2 * 2 + uncorrected % 2], out);
}
uint nvmlDeviceGetRemappedRows(Device *d, uint *corrected, uint *uncorrected, uint *pending, uint *failed) {
    const char *value;
    uint error = text(d, "remapped_rows", &value); /* four numbers */
    if (!error && sscanf(value, "%u %u %u %u", corrected, uncorrected, pending, failed) != 4) error = 999;
    return error;
}
uint nvmlDeviceGetMemoryErrorCounter(Device *d, uint uncorrected, uint aggregate, uint where, ull *out) {
    if (!uncorrected || aggregate) return NOT_SUPPORTED;
    return number(d, where == 2 ? "ecc_dram_uncorrected" : where == 7 ? "ecc_sram_uncorrected" : "", out);
}
uint nvmlDeviceGetRowRemapperHistogram(Device *d, uint *banks) {
    const char *value;
    uint error = text(d, "remap_histogram", &value); /* five numbers */
    if (!error && sscanf(value, "%u %u %u %u %u", banks, banks + 1, banks + 2, banks + 3, banks + 4) != 5) error = 999;
    return error;
}
uint nvmlDeviceGetApplicationsClock(Device *d, uint kind, uint *out) {
    return kind == 1 ? number32(d, "app_sm_clock_mhz", out) : NOT_SUPPORTED;
}
uint nvmlDeviceGetDefaultApplicationsClock(Device *d, uint kind, uint *out) {
    return kind == 1 ? number32(d, "default_sm_clock_mhz", out) : NOT_SUPPORTED;
}
uint nvmlDeviceValidateInforom(Device *d) {
    uint valid = 0, failed = number32(d, "inforom_valid", &valid);
    return failed ? failed : valid ? SUCCESS : CORRUPTED_INFOROM;
}
typedef struct { ull reference, violation; } Violation;
uint nvmlDeviceGetViolationStatus(Device *d, uint policy, Violation *out) {
    static const char *keys[] = {"violation_power", "violation_thermal", "violation_sync_boost",
                                 "violation_board_limit", "violation_low_utilization", "violation_reliability"};
    return policy < 6 ? number(d, keys[policy], &out->violation) : INVALID_ARGUMENT;
}
uint nvmlDeviceGetRetiredPages(Device *d, uint cause, uint *count, ull *pages) {
    uint held = 0, size = *count;
    uint failed = number32(d, cause ? "retired_double" : "retired_single", &held);
    if (failed) return failed;
    *count = held;
    if (size < held) return INSUFFICIENT_SIZE;
    for (uint i = 0; i < held && pages; i++) pages[i] = 0x1000ull * i;
    return SUCCESS;
}

typedef struct { uint field, scope; long long time, latency; uint type, error; union { uint u; ull w; } value; } Field;
uint nvmlDeviceGetFieldValues(Device *d, int count, Field *fields) {
    for (int i = 0; i < count; i++) {
        Field *f = &fields[i];
        static const char *link_keys[] = {"dl_replay", "dl_recovery", "dl_crc"};
        f->error = NOT_SUPPORTED;
        f->type = 1; /* unsigned int */
        if (f->field == 82) f->error = number32(d, "memory_temperature_c", &f->value.u);
        if (f->field == 164) f->error = number32(part(d, "link", f->scope), "speed_mbps", &f->value.u);
        if (f->field == 230) f->error = number32(d, "recovery_action", &f->value.u);
        if (f->field >= 161 && f->field <= 163) {
            f->type = 3; /* unsigned long long */
            f->error = number(part(d, "link", f->scope), link_keys[f->field - 161], &f->value.w);
        }
    }
    return fault(find(d, "all", 0));
}

/* ---- NVLink ---- */
static uint link_of(Device *d, uint index, Device **out) {
    uint count = 0, failed = number32(d, "links", &count);
    if (failed) return failed;
    *out = part(d, "link", index);
    return index < count ? SUCCESS : INVALID_ARGUMENT;
}
uint nvmlDeviceGetNvLinkState(Device *d, uint index, uint *out) {
    Device *l;
    uint failed = link_of(d, index, &l);
    return failed ? failed : number32(l, "state", out);
}
uint nvmlDeviceGetNvLinkVersion(Device *d, uint index, uint *out) {
    Device *l;
    uint failed = link_of(d, index, &l);
    return failed ? failed : number32(l, "version", out);
}
uint nvmlDeviceGetNvLinkRemotePciInfo_v2(Device *d, uint index, PciInfo *out) {
    Device *l;
    uint failed = link_of(d, index, &l);
    memset(out, 0, sizeof *out);
    return failed ? failed : copied(l, "remote", out->bus_id, sizeof out->bus_id);
}
uint nvmlDeviceGetNvLinkErrorCounter(Device *d, uint index, uint counter, ull *out) {
    static const char *keys[] = {"replay", "recovery", "crc_flit", "crc_data"};
    Device *l;
    uint failed = link_of(d, index, &l);
    if (failed) return failed;
    return counter < 4 ? number(l, keys[counter], out) : INVALID_ARGUMENT;
}

/* ---- MIG, vGPU, fabric ---- */
uint nvmlDeviceGetMigMode(Device *d, uint *now, uint *pending) {
    return modes(d, "mig_enabled", "mig_pending", now, pending);
}
uint nvmlDeviceGetMigDeviceHandleByIndex(Device *d, uint index, Device **out) {
    *out = part(d, "mig", index);
    return find(*out, "uuid", 0) ? SUCCESS : NOT_FOUND;
}
typedef struct { uint sms, copy, decode, encode, jpeg, ofa, gpu_slices, compute_slices; ull memory_mib; } Attributes;
uint nvmlDeviceGetAttributes_v2(Device *d, Attributes *out) {
    memset(out, 0, sizeof *out);
    uint failed = number32(d, "gpu_slices", &out->gpu_slices);
    if (!failed) failed = number32(d, "compute_slices", &out->compute_slices);
    return failed ? failed : number(d, "memory_mib", &out->memory_mib);
}
uint nvmlDeviceGetActiveVgpus(Device *d, uint *count, uint *out) {
    uint held = 0, size = *count;
    while (find(d, "vgpu", (int)held)) held++;
    *count = held;
    if (size < held) return INSUFFICIENT_SIZE;
    for (uint i = 0; i < held && out; i++) out[i] = (uint)atoi(find(d, "vgpu", (int)i));
    return SUCCESS;
}
uint nvmlVgpuInstanceGetType(uint id, uint *out) { *out = id; return SUCCESS; } /* a type for each instance */
uint nvmlVgpuInstanceGetUUID(uint id, char *out, uint size) { return copied(vgpu(id), "uuid", out, size); }
uint nvmlVgpuTypeGetName(uint id, char *out, uint *size) { return copied(vgpu(id), "type", out, *size); }
uint nvmlVgpuTypeGetFramebufferSize(uint id, ull *out) { return number(vgpu(id), "size_bytes", out); }

#ifndef OLD_DRIVER
typedef struct { unsigned char cluster[16]; uint status, clique; unsigned char state; } Fabric;
typedef struct { uint version; unsigned char cluster[16]; uint status, clique; unsigned char state; uint health; } Fabric2;
static uint fabric(Device *d, const char *gate, unsigned char *cluster, uint *clique, uint *status,
                   unsigned char *state) {
    *status = 0;
    number32(d, "fabric_status", status);
    const char *value;
    uint known = 0, failed = number32(d, gate, &known);
    if (!failed) failed = number32(d, "fabric_clique", clique);
    if (!failed) failed = text(d, "fabric_cluster", &value); /* 32 hexadecimal digits */
    *state = (unsigned char)known;
    for (int i = 0; !failed && i < 16; i++) sscanf(value + 2 * i, "%2hhx", &cluster[i]);
    return failed;
}
uint nvmlDeviceGetGpuFabricInfoV(Device *d, Fabric2 *out) {
    out->health = 0;
    number32(d, "fabric_health", &out->health);
    return fabric(d, "fabric_state", out->cluster, &out->clique, &out->status, &out->state);
}
uint nvmlDeviceGetGpuFabricInfo(Device *d, Fabric *out) {
    return fabric(d, "fabric_state_v1", out->cluster, &out->clique, &out->status, &out->state);
}
#endif

/* ---- processes: KIND PID BYTES [GPU_INSTANCE COMPUTE_INSTANCE], PID may be `parent` ---- */
typedef struct { uint pid; ull bytes; uint gpu_instance, compute_instance; } Process;
static int process(const char *value, const char *kind, Process *out) {
    char word[16], pid[16];
    Process p = {0, 0, 0xFFFFFFFFu, 0xFFFFFFFFu};
    if (sscanf(value, "%15s %15s %llu %u %u", word, pid, &p.bytes, &p.gpu_instance, &p.compute_instance) < 3) return 0;
    p.pid = strcmp(pid, "parent") == 0 ? (uint)getppid() : (uint)atoi(pid);
    *out = p;
    return strcmp(word, kind) == 0;
}
static uint processes(Device *d, const char *kind, uint *count, Process *out) {
    uint held = 0, size = *count, failed = fault(find(d, "all", 0));
    const char *value = find(d, "process", 0);
    if (!failed) failed = value ? fault(value) : SUCCESS;
    Process p;
    for (int i = 0; !failed && (value = find(d, "process", i)); i++)
        if (process(value, kind, &p)) {
            if (out && held < size) out[held] = p;
            held++;
        }
    *count = held;
    return failed ? failed : held > size ? INSUFFICIENT_SIZE : SUCCESS;
}
#define PROCESSES(NAME, KIND) uint NAME(Device *d, uint *n, Process *out) { return processes(d, KIND, n, out); }
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, "compute")
#ifndef OLD_DRIVER
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, "compute")
#endif
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, "graphics")
#ifndef OLD_DRIVER
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, "graphics")
#endif
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2, "mps")
#ifndef OLD_DRIVER
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, "mps")
#endif
