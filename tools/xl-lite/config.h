/* SPDX-License-Identifier: MIT */
/* A guest's configuration file, as a checked struct domain_config. */
#ifndef XL_LITE_CONFIG_H
#define XL_LITE_CONFIG_H

#include "libxllite.h"

/*
 * Reads the file. Settings that have no effect here are named on stderr, once each; a setting that
 * asks for something a guest would miss is an error. domain_config_free also after a failure.
 */
int domain_config_read(struct domain_config *config, const char *file);
void domain_config_free(struct domain_config *config);

#endif
