# Rscript export.R FOLDER: the data of all models in FOLDER/manifest.csv, and what R estimates.
#
# For each FOLDER/STEM with the ends .csv, .json (the levels of factors) and .fit, R's estimates: lmer by restricted likelihood, glmmTMB, or clmm of ordinal. All factors have treatment contrasts. What is
# there is not made again.

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
models <- read.csv(file.path(folder, "manifest.csv"), na.strings = character(0), stringsAsFactors = FALSE, colClasses = "character")
options(contrasts = c("contr.treatment", "contr.treatment"))
suppressPackageStartupMessages({
  library(lme4)
  library(glmmTMB)
  library(ordinal)
})

text <- function(x) encodeString(enc2utf8(as.character(x)), quote = "\"")
array_of <- function(x) paste0("[", paste(x, collapse = ", "), "]")
object <- function(x) paste0("{", paste0(text(names(x)), ": ", x, collapse = ", "), "}")
number <- function(x) ifelse(is.finite(x), sprintf("%.10g", x), "null")

get_data <- function(package, name) {
  place <- new.env()
  suppressWarnings(data(list = name, package = package, envir = place))
  if (!exists(name, place, inherits = FALSE)) {
    load(system.file("testdata", paste0(name, ".RData"), package = package, mustWork = TRUE), place)
  }
  as.data.frame(get(name, place))
}

write_data <- function(data, stem) {
  for (column in names(data)) if (inherits(data[[column]], c("table", "matrix", "AsIs"))) data[[column]] <- c(unclass(data[[column]]))
  kinds <- lapply(Filter(is.factor, data), function(x) {
    object(c(levels = array_of(text(levels(x))), ordered = tolower(is.ordered(x))))
  })
  write.csv(data, paste0(stem, ".csv"), row.names = FALSE, na = "")
  writeLines(if (length(kinds)) object(unlist(kinds)) else "{}", paste0(stem, ".json"))
}

most_rows <- c(gaussian = 2e4, binomial = 1e4, poisson = 1e4, gamma = 1e4, negative_binomial = 1e4, cumulative = 3e3)

r_fit <- function(model, data) {
  formula <- as.formula(model$formula)
  response <- all.vars(formula)[1]
  if (nrow(data) > most_rows[[model$family]]) stop("too many rows for R to fit in reasonable time")
  if (model$family == "cumulative") {
    data[[response]] <- factor(data[[response]], ordered = TRUE)
    return(clmm(formula, data = data))
  }
  if (model$family == "gaussian") return(lmer(formula, data))
  families <- list(binomial = binomial(), poisson = poisson(), gamma = Gamma("log"), negative_binomial = nbinom2())
  if (nzchar(model$trials)) data$weights_ <- data[[model$trials]]
  if (nzchar(model$trials)) glmmTMB(formula, data, family = binomial(), weights = weights_) else glmmTMB(formula, data, family = families[[model$family]])
}

estimates <- function(result) {
  part <- function(x) if (inherits(result, "glmmTMB")) x$cond else x
  fixed <- if (inherits(result, "clmm")) result$beta else part(fixef(result))
  blocks <- part(VarCorr(result))
  sd <- unlist(lapply(blocks, function(block) attr(block, "stddev")))
  of <- unlist(Map(function(group, block) paste(rownames(block), sub("[.]\\d+$", "", group), sep = "|"), names(blocks), blocks))
  object(c(
    names = array_of(text(names(fixed))), fixed = array_of(number(fixed)), sd = array_of(number(sd)),
    of = array_of(text(of)),
    loglik = number(as.numeric(logLik(result)))
  ))
}

stems <- file.path(folder, models$stem)
failed <- function(e) object(c(error = text(conditionMessage(e))))

model_data <- function(model) {
  data <- get_data(model$package, model$data)
  if (nzchar(model$columns)) eval(parse(text = sub("^(\\w+) = ", "data$\\1 <- ", model$columns)))
  data
}

for (i in which(!file.exists(paste0(stems, ".csv")))) {
  tryCatch(write_data(model_data(models[i, ]), stems[i]), error = function(e) message(stems[i], ": ", conditionMessage(e)))
}
for (i in which(!file.exists(paste0(stems, ".fit")))) {
  answer <- tryCatch(
    estimates(suppressMessages(suppressWarnings(r_fit(models[i, ], model_data(models[i, ]))))),
    error = failed
  )
  writeLines(answer, paste0(stems[i], ".fit"))
  cat(i, models$data[i], substr(answer, 1, 100), "\n")
}
