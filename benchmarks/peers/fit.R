# Rscript fit.R PACKAGE FOLDER: fits by lme4 or glmmTMB, timed.
#
# FOLDER/manifest.csv has columns name, formula, family; the data are in FOLDER/NAME.csv. For each an answer is written
# to FOLDER/NAME.json.

arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
folder <- arguments[2]
suppressPackageStartupMessages(library(package, character.only = TRUE))
engine <- if (package == "lme4") glmer else glmmTMB
quietly <- function(work) suppressMessages(suppressWarnings(work))

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
list_of <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
object <- function(x) paste0("{", paste0("\"", names(x), "\": ", x, collapse = ", "), "}")

estimates <- function(result) {
  part <- function(x) if (package == "lme4") x else x$cond
  sd <- sapply(part(VarCorr(result)), function(block) attr(block, "stddev")[[1]])
  list(mean = part(fixef(result)), sd = sd, covariance = part(vcov(result)))
}

run <- function(name, formula, family, warm_up) {
  data <- read.csv(file.path(folder, paste0(name, ".csv")))
  for (column in grep("^g", names(data), value = TRUE)) data[[column]] <- factor(data[[column]])
  fit <- function(data) engine(as.formula(formula), data, family = family)
  if (warm_up) try(quietly(fit(droplevels(head(data, 500)))), silent = TRUE) # loads what is loaded late
  invisible(gc())
  time <- system.time(result <- quietly(fit(data)))
  found <- estimates(result)
  object(c(
    wall = number(time[["elapsed"]]),
    cpu = number(time[["user.self"]] + time[["sys.self"]]),
    loglik = number(as.numeric(logLik(result))),
    fe_mean = list_of(found$mean),
    fe_sd = list_of(sqrt(diag(as.matrix(found$covariance)))),
    sd = object(setNames(number(found$sd), names(found$sd)))
  ))
}

manifest <- read.csv(file.path(folder, "manifest.csv"), stringsAsFactors = FALSE)
for (i in seq_len(nrow(manifest))) {
  name <- manifest$name[i]
  answer <- tryCatch(
    run(name, manifest$formula[i], manifest$family[i], warm_up = i == 1),
    error = function(e) object(c(error = encodeString(conditionMessage(e), quote = "\"")))
  )
  writeLines(answer, file.path(folder, paste0(name, ".json")))
}
