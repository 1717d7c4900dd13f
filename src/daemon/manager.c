/* SPDX-License-Identifier: MIT */
/* The manager owns the loop's objects and knows no details: policies come in, units come in, and
 * once a second, or at once when a PSI trigger fires, every target is looked at and then acts.
 *
 * Everything is level-triggered. A signal from systemd, a reload, a lost bus only cause the units
 * to be listed again, and what differs is put right. */

#include "daemon/manager.h"

#include <fcntl.h>
#include <pagewarden/names.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "daemon/all_pins.h"
#include "daemon/bus_api.h"
#include "daemon/cgroup_scan.h"
#include "daemon/config_log.h"
#include "daemon/describe.h"
#include "daemon/evict_share.h"
#include "daemon/governed.h"
#include "daemon/holder.h"
#include "daemon/holder_units.h"
#include "daemon/leftovers.h"
#include "daemon/mount_guard.h"
#include "daemon/pause.h"
#include "daemon/pin_watch.h"
#include "daemon/pinned.h"
#include "daemon/pressure.h"
#include "daemon/releasing.h"
#include "daemon/reload.h"
#include "daemon/restore.h"
#include "daemon/shortage_watch.h"
#include "daemon/target_pins.h"
#include "daemon/unit_lister.h"
#include "daemon/yielding.h"
#include "kernel/units.h"
#include "systemd/units.h"
#include "util/io.h"
#include "util/log.h"
#include "util/strv.h"
#include "util/units.h"

/* For the snapshots of all units, when the controller ends: others may wait for that. */
#define LAST_SNAPSHOTS_USEC (5 * USEC_PER_SEC)

struct Manager {
    Host host;
    Ledger ledger;
    Leftovers leftovers;
    ConfigPlaces places;
    Config config; /* in force */
    bool debug;
    bool is_ready; /* systemd was told */
    char *holders_path;
    const char *warnings[4];
    size_t n_warnings;

    Governed governed;
    Hands *hands;
    Pinned pinned; /* by any of these */

    SystemBus *system_bus;
    UnitLister *lister;
    BusApi *api;
    Releasing *releasing;
    MountGuard *guard;
    sd_event_source *tick_timer;
    ShortageWatch *shortage;
    Yielding *yielding;
    CgroupScan *cgroup_scan;
    HolderUnits holders; /* as listed last */
    HostPressure pressure;
    int runtime_fd;
};

/* Looking and acting */

static void tell_pinned(Manager *m)
{
    PinId *ids;
    size_t n;

    int r = all_pins(m->governed.targets, m->governed.n_targets, m->hands, &ids, &n);
    if (r < 0)
        pinned_tell_unknown(&m->pinned);
    else
        pinned_tell(&m->pinned, ids, n);
}

static void look_and_act(Manager *m)
{
    uint64_t now = now_usec();
    unsigned calls = 0;

    if (host_pressure_look(&m->pressure, m->host.proc_fd, now))
        calls |= EVICT_WHEN_PRESSURE;
    for (size_t i = 0; i < m->governed.n_targets; i++)
        if (target_look(m->governed.targets[i], now) != DISTRESS_NONE)
            calls |= EVICT_WHEN_DISTRESS;
    governed_note_critical(&m->governed);
    yielding_act(m->yielding, m->governed.targets, m->governed.n_targets, now);

    tell_pinned(m);
    TargetMoment moment = {
        .now_usec = now,
        .calls = calls,
        .limits = yielding_context(m->yielding),
        .pins_unknown = !pinned_is_known(&m->pinned),
        .evict_ppm = evict_share(m->governed.targets, m->governed.n_targets),
    };
    for (size_t i = 0; i < m->governed.n_targets; i++)
        target_act(m->governed.targets[i], &moment);
}

/* Apart from the others: a host runs out of memory faster than once a second. */
static void on_shortage_look(void *userdata)
{
    Manager *m = userdata;

    shortage_watch_look(m->shortage, m->governed.targets, m->governed.n_targets, m->hands);
}

/* Apart from the others, too: what a neighbour does to a critical unit is done within a second. */
static void on_pressed(void *userdata)
{
    Manager *m = userdata;

    yielding_look(m->yielding, m->governed.targets, m->governed.n_targets);
}

static int arm_tick(Manager *m)
{
    int r = sd_event_source_set_time_relative(m->tick_timer, m->config.settings.interval_usec);
    return r < 0 ? r : sd_event_source_set_enabled(m->tick_timer, SD_EVENT_ONESHOT);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
    Manager *m = userdata;
    uint64_t now = now_usec();
    bool waiting = m->leftovers.n > 0; /* a target may wait for their end */

    leftovers_act(&m->leftovers, &m->governed);
    look_and_act(m);
    governed_remove_finished(&m->governed, now);
    cgroup_scan_tick(m->cgroup_scan, now);
    hands_tick(m->hands, now);
    targets_guard_mounts(m->governed.targets, m->governed.n_targets, m->hands, m->guard);
    for (size_t i = 0; i < m->governed.n_targets; i++)
        waiting |= target_is_expected(m->governed.targets[i], now);
    unit_lister_tick(m->lister, waiting, now);
    return arm_tick(m);
}

/* Units */

static void note_unit(Manager *m, const UnitEntry *entry, const RunningUnits *running, uint64_t now)
{
    if (strcmp(entry->active_state, "inactive") == 0 ||
        strcmp(entry->active_state, "failed") == 0 || pagewarden_owns_unit(entry->name))
        return;
    const RunningUnit *unit = running_units_find(running, entry->name);
    governed_note(&m->governed, entry->name, unit ? unit->cgroup : NULL, entry->object_path, now);
}

static void on_cgroups(char *const *paths, void *userdata)
{
    Manager *m = userdata;
    uint64_t now = now_usec();

    governed_begin_list(&m->governed, true);
    STRV_FOREACH (path, paths)
        governed_note(&m->governed, *path, *path, NULL, now);
    governed_end_list(&m->governed, true, now);
}

/* A holder that nobody wants (any more): left by a controller before us, or by a bus that was away.
 */
static void stop_orphan(Manager *m, const UnitEntry *entry)
{
    if (strncmp(entry->name, PAGEWARDEN_HOLD_UNIT_PREFIX, strlen(PAGEWARDEN_HOLD_UNIT_PREFIX)) !=
            0 ||
        hands_own(m->hands, entry->name))
        return;
    for (size_t i = 0; i < m->governed.n_targets; i++) {
        const Pinner *pinner = m->governed.targets[i]->pinner;
        if (holder_is_of(entry->name, m->governed.targets[i]->unit) &&
            (!pinner || !pinner_is_off(pinner)))
            return;
    }
    log_info("%s: nobody needs it any more, stopping it", entry->name);
    (void)unit_stop(m->host.bus, NULL, entry->name, NULL, NULL);
}

static void on_listed(const UnitEntry *units, size_t n_units, uint64_t asked_usec, void *userdata)
{
    Manager *m = userdata;
    cleanup(running_units_clear) RunningUnits running = { 0 };
    uint64_t now = now_usec();

    /* A glob over control groups may mean a unit's: then systemd is who sets its limits. */
    if (m->host.cgroup_fd >= 0 && policy_set_has_cgroups(&m->config.policies.set))
        (void)running_units_read(m->host.cgroup_fd, &running);
    governed_begin_list(&m->governed, false);
    for (size_t i = 0; i < n_units; i++)
        note_unit(m, &units[i], &running, now);
    governed_end_list(&m->governed, false, now);
    leftovers_note_listed(&m->leftovers);
    hands_note_units(m->hands, units, n_units, now);
    mount_guard_note_units(m->guard, units, n_units);
    holder_units_note(&m->holders, units, n_units, asked_usec);
    for (size_t i = 0; i < n_units; i++)
        if (strcmp(units[i].active_state, "active") == 0)
            stop_orphan(m, &units[i]);
}

/* The bus */

void manager_tell_ready(Manager *m)
{
    if (!m->is_ready)
        (void)sd_notify(0, "READY=1");
    m->is_ready = true;
}

static int on_bus_up(sd_bus *bus, void *userdata)
{
    Manager *m = userdata;

    m->host.bus = bus;
    int r = unit_lister_bus_up(m->lister);
    if (r >= 0)
        r = bus_api_new(bus, m, &m->api);
    if (r < 0)
        return r;
    log_debug("Connected to the system bus");
    return 0;
}

static void on_bus_down(int error, void *userdata)
{
    Manager *m = userdata;

    if (m->host.bus)
        log_warning("The system bus is gone (%s). Pins and eviction go on; units and memory.high "
                    "are followed again when it is back",
                    strerror(-error));
    manager_tell_ready(m); /* there is work without a bus */
    m->host.bus = NULL;
    unit_lister_bus_lost(m->lister);
    m->api = bus_api_free(m->api);
    releasing_bus_lost(m->releasing);
    mount_guard_bus_lost(m->guard);
    for (size_t i = 0; i < m->governed.n_targets; i++)
        target_bus_lost(m->governed.targets[i]);
    hands_bus_lost(m->hands);
}

/* Reload */

static void apply_log_level(const Manager *m)
{
    log_set_max_level(m->debug ? LOG_DEBUG : log_level_to_syslog(m->config.settings.log_level));
}

static void adopt(Manager *m, Config *config)
{
    cleanup(config_clear) Config old = m->config;

    m->config = TAKE(*config, (Config){ 0 });
    releasing_forget(m->releasing);
    cgroup_scan_reset(m->cgroup_scan);
    hands_look(m->hands);
    apply_log_level(m);
    governed_adopt(&m->governed, &old.policies.set);
    /* Only then, or many reloads would put the next look off for ever. */
    if (m->config.settings.interval_usec != old.settings.interval_usec)
        (void)arm_tick(m);
    unit_lister_request(m->lister);
    config_log(&m->config, (m->places.folders ?: config_folders)[0]);
}

static void on_adopt(Config *config, void *userdata)
{
    adopt(userdata, config);
}

static void on_refuse(Config *config, void *userdata)
{
    Manager *m = userdata;

    (void)config_adopt_refusals(&m->config, config);
}

int manager_reload(Manager *m, manager_reloaded_t done, void *userdata)
{
    ReloadHandler handler = { on_adopt, on_refuse, m };

    return reload_begin(&m->host, &m->places, &handler, done, userdata);
}

/* Releasing */

static void look_at_pins(void *userdata)
{
    Manager *m = userdata;

    targets_rescan_pins(m->governed.targets, m->governed.n_targets);
    hands_look(m->hands);
    unit_lister_list(m->lister);
}

static bool is_connected_to(const char *holder, void *userdata)
{
    const Manager *m = userdata;

    return targets_use_holder(m->governed.targets, m->governed.n_targets, holder) ||
           hands_use_holder(m->hands, holder);
}

/* Holders that a controller before us left may not be ours yet, and those that are stopped still
 * have their pins. */
static bool has_let_go(uint64_t since_usec, void *userdata)
{
    Manager *m = userdata;

    if (!holder_units_are_ours(&m->holders, since_usec, is_connected_to, m)) {
        unit_lister_request(m->lister);
        return false;
    }
    return targets_have_let_go(m->governed.targets, m->governed.n_targets, since_usec) &&
           hands_have_let_go(m->hands, since_usec);
}

Releasing *manager_releasing(Manager *m)
{
    return m->releasing;
}

/* Pause */

#define PAUSED                                                                              \
    "Paused: memory.high is given back, nothing is evicted or advised, pins stay. It goes " \
    "on with `pagewarden resume`"

int manager_pause(Manager *m, bool on)
{
    int r = pause_set(m->runtime_fd, on);
    if (r < 0)
        return r;

    if (m->host.paused != on)
        log_notice("%s", on ? PAUSED : "It goes on");
    m->host.paused = on;
    look_and_act(m);
    return 0;
}

/* Start and end */

static int open_runtime(Manager *m, const char *path)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return -errno;
    m->runtime_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->runtime_fd < 0)
        return -errno;
    /* Whoever can connect to a holder can release its pins. */
    if (mkdirat(m->runtime_fd, "hold", 0700) < 0 && errno != EEXIST)
        return -errno;
    if (asprintf(&m->holders_path, "%s/hold", path) < 0) {
        m->holders_path = NULL;
        return -ENOMEM;
    }
    m->host.holders_path = m->holders_path;
    m->host.paused = pause_is_on(m->runtime_fd);
    if (m->host.paused)
        log_notice("%s", PAUSED);
    return 0;
}

static void warn_and_keep(Manager *m, const char *warning)
{
    log_warning("%s", warning);
    m->warnings[m->n_warnings++] = warning;
}

static int open_host(Manager *m, const ManagerOptions *options)
{
    HostPlaces places = {
        .root = options->root,
        .proc = options->proc,
        .cgroup_root = options->cgroup_root,
        .state = options->state,
    };

    int r = host_open(&m->host, &places);
    if (r < 0)
        return r;
    if (m->host.cgroup_fd < 0)
        warn_and_keep(m, "There is no cgroup v2 hierarchy with the memory controller: memory.high, "
                         "distress and advise are off; pins and eviction work");
    if (!m->host.has_psi)
        warn_and_keep(m, "The kernel keeps no pressure stall information (boot with psi=1): "
                         "no memory.high is set");
    return 0;
}

static int load_first(Manager *m)
{
    int r = config_load(&m->places, m->host.ram, &m->config);
    if (r < 0)
        return r;

    apply_log_level(m);
    config_log(&m->config, (m->places.folders ?: config_folders)[0]);
    return 0;
}

static int undo_advice(Manager *m)
{
    return advised_undo(&m->host.advised, m->host.root_fd, m->host.proc_fd, m->host.cgroup_fd,
                        host_walk_flags(&m->host));
}

/* Which files a controller before us found to be nowhere else than in memory. */
static int read_barred(Manager *m)
{
    size_t bad = 0;

    int r = barred_read(m->host.barred, m->runtime_fd, &bad);
    if (bad > 0)
        log_warning("The record of what the disk did not take has %zu lines that cannot be read, "
                    "ignoring them",
                    bad);
    barred_keep(m->host.barred, m->runtime_fd);
    return r;
}

/* What a controller before us changed and did not put back. */
static int restore_first(Manager *m)
{
    size_t bad = 0;

    int r = ledger_open(&m->ledger, m->runtime_fd, &bad);
    if (r < 0)
        return r;
    if (bad > 0)
        log_warning("The ledger has %zu lines that cannot be read, ignoring them", bad);
    m->host.ledger = &m->ledger;
    r = restore_limits(&m->ledger, m->host.cgroup_fd);
    if (r < 0)
        log_warning("The ledger cannot be written: %s", strerror(-r));
    if (r > 0)
        log_warning("%d limits of before could not be restored", r);
    r = read_barred(m);
    if (r >= 0)
        r = leftovers_take(&m->leftovers, &m->host);
    m->host.leftovers = &m->leftovers;
    if (r >= 0)
        r = advised_open(&m->host.advised, m->runtime_fd);
    if (r < 0)
        return r;
    r = undo_advice(m);
    if (r < 0)
        log_warning("What was advised cannot be noted: %s", strerror(-r));
    return 0;
}

static int start_loop(Manager *m)
{
    SystemBusHandler handler = { .up = on_bus_up, .down = on_bus_down, .userdata = m };
    ReleasingHandler releasing = { look_at_pins, has_let_go, m };
    UnitListerHandler lister = { on_listed, m };
    CgroupScanHandler cgroups = { on_cgroups, m };

    int r = host_start(&m->host);
    if (r >= 0)
        r = releasing_new(&m->host, &releasing, &m->releasing);
    if (r >= 0)
        r = mount_guard_new(&m->host, &m->guard);
    if (r >= 0)
        r = sd_event_add_time_relative(m->host.event, &m->tick_timer, CLOCK_MONOTONIC,
                                       m->config.settings.interval_usec, 0, on_tick, m);
    if (r >= 0)
        r = unit_lister_new(&m->host, &lister, &m->lister);
    if (r >= 0)
        r = shortage_watch_new(&m->host, on_shortage_look, m, &m->shortage);
    if (r >= 0)
        r = cgroup_scan_new(&m->host, &m->config.policies.set, &cgroups, &m->cgroup_scan);
    if (r >= 0)
        r = yielding_new(&m->host, on_pressed, m, &m->yielding);
    if (r >= 0)
        recorder_remove_old(&m->host);
    if (r >= 0)
        r = system_bus_new(m->host.event, &handler, &m->system_bus);
    return r;
}

int manager_new(sd_event *event, const ManagerOptions *options, Manager **ret)
{
    cleanup(manager_freep) Manager *m = calloc(1, sizeof(Manager));
    if (!m)
        return -ENOMEM;

    m->host.event = sd_event_ref(event);
    m->host.settings = &m->config.settings;
    m->governed = (Governed){ &m->host, &m->config.policies.set, on_pressed, m, NULL, 0 };
    m->places = options->config;
    m->debug = options->debug;
    host_init(&m->host);
    pinned_init(&m->pinned);
    m->host.pinned = &m->pinned;
    m->runtime_fd = m->ledger.dir_fd = -1;
    int r = open_host(m, options);
    if (r >= 0)
        r = open_runtime(m, options->runtime);
    if (r >= 0)
        r = hands_new(&m->host, m->runtime_fd, &m->hands);
    if (r >= 0)
        r = load_first(m);
    if (r >= 0)
        r = restore_first(m);
    if (r >= 0)
        r = start_loop(m);
    if (r < 0)
        return r;

    *ret = TAKE_PTR(m);
    return 0;
}

Manager *manager_free(Manager *m)
{
    if (!m)
        return NULL;

    bus_api_free(m->api);
    unit_lister_free(m->lister);
    cgroup_scan_free(m->cgroup_scan);
    governed_clear(&m->governed);
    leftovers_clear(&m->leftovers);
    hands_free(m->hands);
    releasing_free(m->releasing);
    mount_guard_free(m->guard);
    system_bus_free(m->system_bus);
    host_close(&m->host);
    pinned_clear(&m->pinned);
    sd_event_source_disable_unref(m->tick_timer);
    shortage_watch_free(m->shortage);
    yielding_free(m->yielding);
    holder_units_clear(&m->holders);
    ledger_close(&m->ledger);
    config_clear(&m->config);
    safe_close(m->runtime_fd);
    free(m->holders_path);
    sd_event_unref(m->host.event);
    free(m);
    return NULL;
}

int manager_end(Manager *m)
{
    /* A write that is under way would come after what puts it right. */
    for (size_t i = 0; i < m->governed.n_targets; i++)
        target_stop(m->governed.targets[i]);
    leftovers_clear(&m->leftovers);
    m->host.back_jobs = jobs_free(m->host.back_jobs);
    m->host.reclaim_jobs = jobs_free(m->host.reclaim_jobs);
    m->host.advise_jobs = jobs_free(m->host.advise_jobs);
    int left = restore_limits(&m->ledger, m->host.cgroup_fd);
    int advised = undo_advice(m);
    uint64_t until = now_usec() + LAST_SNAPSHOTS_USEC;

    for (size_t i = 0; i < m->governed.n_targets; i++) {
        const Target *t = m->governed.targets[i];

        if (t->recorder)
            recorder_end(t->recorder, t->state == TARGET_ACTIVE, until);
    }
    return left > 0 ? -EIO : left < 0 ? left : advised;
}

json_object *manager_describe(Manager *m)
{
    json_object *root = json_object_new_object();
    json_object *targets = json_object_new_array();
    json_object *warnings = json_object_new_array();

    uint64_t again_usec = shortage_watch_again(m->shortage);
    for (size_t i = 0; i < m->governed.n_targets; i++)
        json_object_array_add(targets, describe_target(m->governed.targets[i], again_usec));
    for (size_t i = 0; i < m->n_warnings; i++)
        json_object_array_add(warnings, json_object_new_string(m->warnings[i]));
    if (m->host.paused)
        json_object_array_add(warnings, json_object_new_string(PAUSED));
    json_object_object_add(root, "paused", json_object_new_boolean(m->host.paused));
    json_object_object_add(root, "targets", targets);
    json_object_object_add(root, "by_hand", hands_describe(m->hands));
    json_object_object_add(root, "settings", describe_settings(&m->config));
    json_object_object_add(root, "policies", describe_policies(&m->config.policies));
    json_object_object_add(root, "warnings", warnings);
    json_object_object_add(root, "released", describe_released(m->host.released));
    return root;
}

Hands *manager_hands(Manager *m)
{
    return m->hands;
}

int manager_pinned(const Manager *m, const char *unit, const PinHeld **ret, size_t *ret_n)
{
    const Target *target = governed_find(&m->governed, unit);

    if (!target)
        return -ENOENT;
    *ret_n = 0;
    *ret = target->pinner ? pinner_held(target->pinner, ret_n) : NULL;
    return 0;
}
