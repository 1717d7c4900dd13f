/* SPDX-License-Identifier: MIT */
/* A reload takes all of what was read, or nothing. */

#include "daemon/reload.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/config_log.h"
#include "daemon/load_job.h"
#include "util/cleanup.h"

typedef struct Reload {
    ReloadHandler handler;
    reloaded_t done; /* may be NULL */
    void *userdata;
} Reload;

/* What is to be told of it: NULL where @config is in force now. *ret_text is for the caller to
 * free, whatever is told. */
static const char *judge(const ReloadHandler *handler, int error, Config *config, char **ret_text)
{
    if (error == -ECANCELED)
        return "pagewardend is ending\n";
    if (error >= 0 && config_is_good(config)) {
        handler->adopt(config, handler->userdata);
        return NULL;
    }
    *ret_text = error >= 0 ? config_format_refusals(config) : NULL;
    const char *told = *ret_text ?: "out of memory\n";
    config_log_refusals(told);
    if (error >= 0)
        handler->refuse(config, handler->userdata);
    return told;
}

static void on_loaded(int error, Config *config, void *userdata)
{
    Reload reload = *(Reload *)userdata;
    CLEANUP_FREE char *text = NULL;

    free(userdata);
    const char *told = judge(&reload.handler, error, config, &text);
    if (reload.done)
        reload.done(told, reload.userdata);
}

int reload_begin(Host *host, const ConfigPlaces *places, const ReloadHandler *handler,
                 reloaded_t done, void *userdata)
{
    Reload *reload = malloc(sizeof(Reload));
    if (!reload)
        return -ENOMEM;

    *reload = (Reload){ .handler = *handler, .done = done, .userdata = userdata };
    int r = config_load_later(host->pin_jobs, places, host->ram, on_loaded, reload);
    if (r < 0)
        free(reload);
    return r;
}
