/* SPDX-License-Identifier: MIT */
/* The state of things as JSON. */
#include "daemon/describe.h"

#include <time.h>

#include "daemon/put.h"
#include "util/io.h"
#include "util/units.h"
#include "util/utf8.h"

/* A size, or null where there is none. */
static json_object *limit(uint64_t bytes)
{
    return bytes == LIMIT_NONE ? NULL : json_object_new_uint64(bytes);
}

static json_object *describe_memory(const Sample *sample)
{
    json_object *memory = json_object_new_object();

    put_size(memory, "current", sample->current);
    put(memory, "high", limit(sample->high));
    put_size(memory, "file", sample->file);
    put_size(memory, "anon", sample->anon);
    put_size(memory, "unevictable", sample->unevictable);
    return memory;
}

static json_object *describe_pressure(const PsiTotals *psi)
{
    if (!psi->valid)
        return NULL;
    json_object *pressure = json_object_new_object();

    put(pressure, "some_avg10", json_object_new_double(psi->some_avg10));
    put(pressure, "full_avg10", json_object_new_double(psi->full_avg10));
    return pressure;
}

static json_object *describe_follow(const PinFollowStatus *status)
{
    json_object *follow = json_object_new_object();

    put_size(follow, "watched", status->watched);
    put_size(follow, "unwatched", status->unwatched);
    put_size(follow, "changes", status->changes);
    put_size(follow, "last_usec", status->last_usec);
    put_size(follow, "max_usec", status->max_usec);
    put_size(follow, "overflows", status->overflows);
    return follow;
}

static json_object *describe_charged(const PinnerStatus *status)
{
    json_object *charged = json_object_new_object();

    put_size(charged, "service", status->charged_service);
    put_size(charged, "holder", status->charged_holder);
    put_string(charged, "to", pin_charge_to_string(status->charge));
    put(charged, "moving", json_object_new_boolean(status->recharging));
    return charged;
}

/* Whole seconds, or null for none. */
static json_object *seconds(uint64_t usec)
{
    return usec == 0 ? NULL : json_object_new_uint64((usec + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

/* NULL: no warm start is asked for. */
static json_object *describe_restore(const Target *t)
{
    RecorderStatus status = t->recorder ? recorder_status(t->recorder) : (RecorderStatus){ 0 };
    json_object *restore = status.wanted ? json_object_new_object() : NULL;
    json_object *snapshot = NULL;

    if (!restore)
        return NULL;
    if (status.has_snapshot) {
        snapshot = json_object_new_object();
        put_size(snapshot, "taken", status.taken_sec);
        put_size(snapshot, "age", sub_u64((uint64_t)time(NULL), status.taken_sec));
        put_size(snapshot, "files", status.files);
        put_size(snapshot, "bytes", status.bytes);
    }
    put(restore, "in_force", status.armed_is_known ? json_object_new_boolean(status.armed) : NULL);
    put(restore, "snapshot", snapshot);
    put_string(restore, "problem", status.problem);
    return restore;
}

static json_object *describe_pin(const Target *t, uint64_t again_usec)
{
    json_object *pin = json_object_new_object();
    PinnerStatus status = { 0 };

    if (t->pinner)
        status = pinner_status(t->pinner);
    put_size(pin, "budget", t->policy->pin_budget);
    put_size(pin, "locked", status.locked);
    put_size(pin, "warmed", status.warmed);
    put(pin, "charged", describe_charged(&status));
    put_size(pin, "files", status.files);
    put_size(pin, "wanted", status.wanted);
    put_size(pin, "wanted_files", status.wanted_files);
    put_size(pin, "failed", status.failed);
    put_size(pin, "released", status.released);
    put(pin, "again_in", seconds(status.released == 0 ? 0 : again_usec));
    put_string(pin, "state", status.state);
    put_string(pin, "bound",
               status.bound == PIN_BOUND_NONE ? NULL : pin_bound_to_string(status.bound));
    put(pin, "problems", put_problems(status.problems, status.n_problems));
    put(pin, "follow", describe_follow(&status.follow));
    put(pin, "restore", describe_restore(t));
    return pin;
}

/* Owned by the caller; NULL: it is followed as it should be. */
static char *stream_problem(const StreamerStatus *status)
{
    char *text = NULL;

    if (status->error < 0)
        return strdup(strerror(-status->error));
    if (status->unreadable > 0 &&
        asprintf(&text,
                 "some processes (%u) cannot be looked into, so nobody knows who else has its "
                 "files open: nothing is dropped behind its positions",
                 status->unreadable) < 0)
        return NULL;
    if (!text && status->reclaim_error < 0 &&
        asprintf(&text,
                 "its page cache cannot be reclaimed alone (%s): only what its open files have "
                 "passed is dropped",
                 strerror(-status->reclaim_error)) < 0)
        return NULL;
    return text;
}

static json_object *describe_stream(const StreamerStatus *status)
{
    json_object *stream = json_object_new_object();
    CLEANUP_FREE char *problem = stream_problem(status);

    put_size(stream, "dropped", status->dropped);
    put_size(stream, "reclaimed", status->reclaimed);
    put_size(stream, "written", status->written);
    put_size(stream, "cached", status->file);
    put_size(stream, "dirty", status->dirty);
    put_size(stream, "open_files", status->followed);
    put_string(stream, "problem", problem);
    return stream;
}

static json_object *describe_evict(const Target *t)
{
    json_object *evict = json_object_new_object();
    EvictorStatus status = t->evictor ? evictor_status(t->evictor) : (EvictorStatus){ 0 };
    StreamerStatus stream = t->streamer ? streamer_status(t->streamer) : (StreamerStatus){ 0 };

    status.evicted[EVICT_ADVISE] += stream.dropped;
    status.evicted[EVICT_RECLAIM] += stream.reclaimed;
    put_size(evict, "bytes", status.bytes + stream.dropped + stream.reclaimed);
    put_size(evict, "files", status.files + stream.files);
    put_size(evict, "written", status.written + stream.written);
    json_object *by = json_object_new_object();
    for (EvictRung rung = 0; rung < _EVICT_RUNG_MAX; rung++)
        put_size(by, evict_rung_to_string(rung), status.evicted[rung]);
    put(evict, "by", by);
    put_size(evict, "dirty", status.dirty);
    put_size(evict, "locked", status.locked);
    put_size(evict, "mapped", status.mapped);
    put_size(evict, "other", status.other);
    put_size(evict, "failed", status.failed);
    put(evict, "stream", stream.wanted ? describe_stream(&stream) : NULL);
    return evict;
}

static json_object *describe_advise(const Target *t)
{
    json_object *advise = json_object_new_object();
    AdviserStatus status = t->adviser ? adviser_status(t->adviser) : (AdviserStatus){ 0 };

    put_size(advise, "descriptors", status.descriptors);
    put_size(advise, "unreachable", status.unreachable);
    return advise;
}

static json_object *describe_memory_high(const Target *t)
{
    json_object *high = json_object_new_object();
    LimitMode mode = policy_limit(t->policy).mode;
    LimiterStatus status = {
        .original = LIMIT_NONE,
        .reason = mode == LIMIT_OFF ? limit_reason_to_string(LIMIT_REASON_OFF) : NULL,
    };

    if (t->limiter)
        status = limiter_status(t->limiter);
    put_string(high, "mode", limit_mode_to_string(mode));
    /* Before the first look there is none to tell, and where nothing is applied, "memory" has it.
     */
    put(high, "original", status.applied ? limit(status.original) : NULL);
    put(high, "applied", status.applied ? limit(status.value) : NULL);
    put_size(high, "reclaimed", status.reclaimed);
    put_string(high, "reason", status.reason);
    put_string(high, "changed_for", status.changed_for);
    put(high, "hold_off", seconds(status.view.hold_usec));
    put(high, "good", status.view.good > 0 ? json_object_new_uint64(status.view.good) : NULL);
    return high;
}

/* A share in percent, or null where none was measured. */
static json_object *percent(bool known, uint64_t ppm)
{
    char text[32];

    snprintf(text, sizeof(text), "%.1f", (double)ppm / 10000);
    return known ? json_object_new_double_s((double)ppm / 10000, text) : NULL;
}

/* NULL: the policy has no cap. */
static json_object *describe_cache(const Target *t, uint64_t now)
{
    if (t->policy->cache_max == LIMIT_NONE)
        return NULL;
    json_object *cache = json_object_new_object();
    CapperStatus status = t->capper ? capper_status(t->capper) : (CapperStatus){ 0 };
    uint64_t wait = status.reason == CAP_COSTS ? sub_u64(status.until_usec, now) : 0;
    bool known = t->capper && t->has_sample && !t->above_critical;

    put_size(cache, "max", t->policy->cache_max);
    put(cache, "now", known ? json_object_new_uint64(status.cache) : NULL);
    put_size(cache, "reclaimed", status.reclaimed);
    put_string(cache, "reason", known ? cap_reason_to_string(status.reason) : NULL);
    put(cache, "again_in",
        status.reason == CAP_COSTS
            ? json_object_new_uint64((wait + USEC_PER_SEC - 1) / USEC_PER_SEC)
            : NULL);
    put(cache, "returned", percent(known, status.returned_ppm));
    put(cache, "waited", percent(known, status.price_ppm));
    return cache;
}

json_object *describe_target(const Target *t, uint64_t again_usec)
{
    json_object *target = json_object_new_object();

    put_string(target, "policy", t->policy->name);
    put_string(target, "unit", t->unit);
    put_string(target, "cgroup", t->control_group);
    put_string(target, "role", policy_role_to_string(t->policy->role));
    put_string(target, "mode", policy_mode_to_string(t->policy->mode));
    put_string(target, "state", target_state_to_string(t->state));
    put(target, "above_critical", json_object_new_boolean(t->above_critical));
    put(target, "distress",
        target_distress(t) == DISTRESS_NONE
            ? NULL
            : json_object_new_string(distress_reason_to_string(target_distress(t))));
    put(target, "memory", t->has_sample ? describe_memory(&t->sample) : NULL);
    put(target, "pressure", t->has_sample ? describe_pressure(&t->sample.memory_psi) : NULL);
    put(target, "pin", describe_pin(t, again_usec));
    put(target, "evict", describe_evict(t));
    put(target, "cache", describe_cache(t, now_usec()));
    put(target, "memory_high", describe_memory_high(t));
    put(target, "advise", describe_advise(t));
    return target;
}

json_object *describe_released(const Released *released)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < released->n; i++) {
        CLEANUP_FREE char *valid = utf8_escape(released->folders[i].path);
        if (valid)
            json_object_array_add(array, json_object_new_string(valid));
    }
    return array;
}

static void put_error(json_object *object, const ConfigEntry *policy)
{
    CLEANUP_FREE char *error = NULL;

    if (policy->state == CONFIG_REFUSED)
        error = config_entry_format(policy, SEVERITY_MISTAKE);
    put_string(object, "error", error);
}

json_object *describe_policies(const Policies *policies)
{
    json_object *array = json_object_new_array();

    for (size_t i = 0; i < policies->n_entries; i++) {
        const ConfigEntry *policy = &policies->entries[i];
        json_object *entry = json_object_new_object();
        put_string(entry, "name", policy->name);
        put_string(entry, "file", policy->sources[0].path);
        /* One that was loaded, and whose newer text was refused, is still in force. */
        put_string(entry, "state",
                   policy_set_find(&policies->set, policy->name)
                       ? "loaded"
                       : config_state_to_string(policy->state));
        put_error(entry, policy);
        json_object_array_add(array, entry);
    }
    return array;
}

json_object *describe_settings(const Config *config)
{
    const ConfigEntry *settings = &config->settings_entry;
    json_object *entry = json_object_new_object();

    put_string(entry, "file", settings->n_sources > 0 ? settings->sources[0].path : NULL);
    put_string(entry, "state", config_state_to_string(settings->state));
    put_error(entry, settings);
    return entry;
}
