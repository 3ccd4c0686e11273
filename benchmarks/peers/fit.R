# Rscript fit.R PACKAGE FORMULA FAMILY DATA.csv ANSWER.json: one fit, timed, by lme4 or glmmTMB.

arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[1]
model <- as.formula(arguments[2])
family <- arguments[3]
suppressPackageStartupMessages(library(package, character.only = TRUE))

data <- read.csv(arguments[4])
for (name in grep("^g", names(data), value = TRUE)) data[[name]] <- factor(data[[name]])
fit <- switch(package,
  lme4 = function(data) glmer(model, data, family = family),
  glmmTMB = function(data) glmmTMB(model, data, family = family)
)
quietly <- function(work) suppressMessages(suppressWarnings(work))

invisible(try(quietly(fit(droplevels(head(data, 500)))), silent = TRUE)) # loads what is loaded late
invisible(gc())
time <- system.time(result <- quietly(fit(data)))

if (package == "lme4") {
  mean <- fixef(result)
  sd <- sapply(VarCorr(result), function(block) attr(block, "stddev")[[1]])
  covariance <- vcov(result)
} else {
  mean <- fixef(result)$cond
  sd <- sapply(VarCorr(result)$cond, function(block) attr(block, "stddev")[[1]])
  covariance <- vcov(result)$cond
}
number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
list_of <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
entries <- c(
  wall = number(time[["elapsed"]]),
  cpu = number(time[["user.self"]] + time[["sys.self"]]),
  loglik = number(as.numeric(logLik(result))),
  fe_mean = list_of(mean),
  fe_sd = list_of(sqrt(diag(as.matrix(covariance)))),
  sd = paste0("{", paste0("\"", names(sd), "\": ", number(sd), collapse = ", "), "}")
)
writeLines(paste0("{", paste0("\"", names(entries), "\": ", entries, collapse = ", "), "}"), arguments[5])
