# Rscript fit.R ENGINE FOLDER: fits by lme4, glmmTMB or clmm of ordinal, timed; ENGINE-reml: by restricted likelihood.
#
# FOLDER/manifest.csv has columns name, formula, family; the data are in FOLDER/NAME.csv. For each an answer is written
# to FOLDER/NAME.json.

arguments <- commandArgs(trailingOnly = TRUE)
package <- sub("-reml$", "", arguments[1])
restricted <- grepl("-reml$", arguments[1])
folder <- arguments[2]
suppressPackageStartupMessages(library(package, character.only = TRUE))
quietly <- function(work) suppressMessages(suppressWarnings(work))

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
list_of <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
matrix_of <- function(x) paste0("[", paste(apply(as.matrix(x), 1, list_of), collapse = ", "), "]")
object <- function(x) paste0("{", paste0("\"", names(x), "\": ", x, collapse = ", "), "}")

families <- list(
  binomial = binomial(), poisson = poisson(), gaussian = gaussian(), gamma = Gamma("log"),
  negative_binomial = if (package == "glmmTMB") nbinom2()
)

by_lme4 <- function(formula, data, family) {
  switch(family,
    gaussian = lmer(formula, data, REML = restricted),
    negative_binomial = glmer.nb(formula, data),
    glmer(formula, data, family = families[[family]])
  )
}
by_glmmTMB <- function(formula, data, family) {
  glmmTMB(formula, data, family = families[[family]], REML = restricted)
}
by_ordinal <- function(formula, data, family) clmm(formula, data = data)
engine <- list(lme4 = by_lme4, glmmTMB = by_glmmTMB, ordinal = by_ordinal)[[package]]

# sigma, alpha or d of the families that have one
shape <- function(result, family) {
  if (family == "gaussian") return(sigma(result))
  if (family == "negative_binomial") {
    return(1 / if (package == "lme4") getME(result, "glmer.nb.theta") else sigma(result))
  }
  if (family == "gamma") return(sigma(result)^2)
  NA
}

estimates <- function(result) {
  if (package == "ordinal") {
    places <- seq_len(length(result$alpha) + length(result$beta))
    covariance <- if (is.null(result$vcov)) NA * diag(length(places)) else result$vcov[places, places, drop = FALSE]
    return(list(mean = c(result$alpha, result$beta), blocks = VarCorr(result), covariance = covariance))
  }
  part <- function(x) if (package == "lme4") x else x$cond
  list(mean = part(fixef(result)), blocks = part(VarCorr(result)), covariance = as.matrix(part(vcov(result))))
}

run <- function(name, formula, family, warm_up) {
  data <- read.csv(file.path(folder, paste0(name, ".csv")))
  for (column in grep("^g", names(data), value = TRUE)) data[[column]] <- factor(data[[column]])
  if (family == "cumulative") data$y <- factor(data$y, ordered = TRUE)
  fit <- function(data) engine(as.formula(formula), data, family)
  if (warm_up) try(quietly(fit(droplevels(head(data, 500)))), silent = TRUE) # loads what is loaded late
  invisible(gc())
  time <- system.time(result <- quietly(fit(data)))
  found <- estimates(result)
  object(c(
    wall = number(time[["elapsed"]]),
    cpu = number(time[["user.self"]] + time[["sys.self"]]),
    loglik = number(as.numeric(logLik(result))),
    fe_mean = list_of(found$mean),
    fe_sd = list_of(sqrt(diag(found$covariance))),
    covariances = object(sapply(found$blocks, matrix_of)),
    shape = number(shape(result, family))
  ))
}

manifest <- read.csv(file.path(folder, "manifest.csv"), stringsAsFactors = FALSE)
for (i in seq_len(nrow(manifest))) {
  name <- manifest$name[i]
  if (file.exists(file.path(folder, paste0(name, ".json")))) next
  answer <- tryCatch(
    run(name, manifest$formula[i], manifest$family[i], warm_up = i == 1),
    error = function(e) object(c(error = encodeString(conditionMessage(e), quote = "\"")))
  )
  writeLines(answer, file.path(folder, paste0(name, ".json")))
}
